'use strict';
// Loads the function and invokes it once, like Lambda. Redirects all HTTPS requests to loopback, where the `host`
// header shows the original destination.
const http = require('node:http');
const https = require('node:https');
const { URL } = require('node:url');

const { file, event, port } = JSON.parse(process.argv[2]);

const toLoopback = (options, onResponse) =>
  http.request({ ...options, host: '127.0.0.1', port, agent: undefined }, onResponse);
https.request = (target, ...more) => {
  if (!(target instanceof URL)) {
    return toLoopback(target, ...more);
  }
  // The response to CloudFormation.
  const [options, onResponse] = more;
  const path = target.pathname + target.search;
  return toLoopback({ ...options, path, headers: { ...options.headers, host: target.host } }, onResponse);
};

void require(file).handler(event, { getRemainingTimeInMillis: () => 15 * 60_000 });
