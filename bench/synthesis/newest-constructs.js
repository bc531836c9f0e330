'use strict';
// An app gets the newest constructs from npm, whatever its aws-cdk-lib. The oldest, which this project is compiled with,
// takes a time for each child that grows with the number of its siblings.
const Module = require('node:module');

const resolve = Module._resolveFilename;
Module._resolveFilename = (request, ...others) =>
  resolve(request === 'constructs' ? process.env.CONSTRUCTS : request, ...others);
