'use strict';
// An app gets the newest constructs from npm, whatever its aws-cdk-lib. With the oldest version, which this project is
// compiled with, adding a construct takes longer the more siblings it has.
const Module = require('node:module');

const resolve = Module._resolveFilename;
Module._resolveFilename = (request, ...others) =>
  resolve(request === 'constructs' ? process.env.CONSTRUCTS : request, ...others);
