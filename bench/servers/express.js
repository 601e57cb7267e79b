'use strict';

const express = require('express');
const { createServer, serve } = require('./common.js');

const app = express();
app.get('/', (req, res) => {
  res.send('Hello World\n');
});
serve(createServer(app));
