'use strict';
// What Lambda does with the function, once: loads it and hands it an event. In between, all https is led to loopback,
// where the `host` header tells for whom it was meant.
const http = require('node:http');
const https = require('node:https');

const { file, event, port } = JSON.parse(process.argv[2]);

https.request = (options, onResponse) =>
  http.request({ ...options, host: '127.0.0.1', port, agent: undefined }, onResponse);

void require(file).handler(event, { getRemainingTimeInMillis: () => 15 * 60_000 });
