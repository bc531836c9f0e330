'use strict';
// Loads the function and invokes it once, like Lambda. Redirects all HTTPS requests to loopback, where the `host`
// header shows the original destination.
const http = require('node:http');
const https = require('node:https');

const { file, event, port } = JSON.parse(process.argv[2]);

https.request = (options, onResponse) =>
  http.request({ ...options, host: '127.0.0.1', port, agent: undefined }, onResponse);

void require(file).handler(event, { getRemainingTimeInMillis: () => 15 * 60_000 });
