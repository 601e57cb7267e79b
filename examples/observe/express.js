'use strict';
// Express on ferrohttp, with the page of refusals: http://localhost:8000/refusals

const express = require('express');
const { createServer } = require('ferrohttp');
const { page } = require('ferrohttp/observe');

const app = express();
const server = createServer({ refusals: { log: 'stderr' } }, app);

app.use('/refusals', page(server));
app.get('/', (req, res) => res.send('hello\n'));

server.listen(process.env.PORT ?? 8000);
