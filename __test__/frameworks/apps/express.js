'use strict';

// Express 4 and 5 differ in what becomes of rejections; the app forwards them itself.

const { broken, digest, endless, stream } = require('./common.js');

module.exports = (express) => (createServer, log) => {
  const app = express();
  app.set('env', 'test'); // errors are not printed
  app.get('/hello', (req, res) => res.send('hello'));
  app.post('/json', express.json(), (req, res) => res.json({ got: req.body }));
  app.get('/stream', (req, res) => stream().pipe(res));
  app.get('/error', () => {
    throw broken();
  });
  app.post('/upload', (req, res, next) => digest(req, log).then((sum) => res.json(sum), next));
  app.get('/endless', (req, res) => endless().pipe(res));
  // What body-parser reports has a stack of its own.
  app.use((error, req, res, next) => {
    if (error.type) error.stack = String(error);
    log('error', error.code ?? error.message);
    next(error);
  });
  return createServer(app);
};
