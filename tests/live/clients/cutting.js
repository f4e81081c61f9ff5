'use strict';
// A TCP proxy that cuts connections. As a program it prints its port, and obeys the
// lines of its input:
//
//     node cutting.js PORT-OF-THE-SERVER
//     cut        ends all connections, and refuses new ones
//     half       does so for the clients alone: the server notices nothing
//     allow      takes connections again

const net = require('node:net');
const readline = require('node:readline');

class Cutting {
  constructor(target) {
    this.target = target;
    this.pairs = new Set();
    this.refuses = false;
    this.server = net.createServer((client) => this.take(client));
  }

  start() {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () => {
        this.port = this.server.address().port;
        resolve(this);
      });
    });
  }

  take(client) {
    if (this.refuses) return client.destroy();
    const server = net.connect(this.target, '127.0.0.1');
    const pair = {client, server};
    this.pairs.add(pair);
    client.on('data', (data) => server.write(data));
    server.on('data', (data) => client.destroyed || client.write(data));
    for (const [one, other] of [[client, server], [server, client]]) {
      one.on('error', () => {});
      one.on('close', () => {
        if (!pair.half) other.destroy();
        this.pairs.delete(pair);
      });
    }
  }

  cut() {
    this.refuses = true;
    for (const {client, server} of this.pairs) {
      client.destroy();
      server.destroy();
    }
  }

  half() {
    this.refuses = true;
    for (const pair of this.pairs) {
      pair.half = true;
      pair.client.destroy();
    }
  }

  allow() {
    this.refuses = false;
  }
}

async function main() {
  const cutting = await new Cutting(Number(process.argv[2])).start();
  console.log(cutting.port);
  for await (const line of readline.createInterface({input: process.stdin})) {
    cutting[line]();
    console.log(line);
  }
  process.exit(0);
}

if (require.main === module) main();

module.exports = {Cutting};
