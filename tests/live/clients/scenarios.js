'use strict';
// What a user does with a client, step by step, and what the user then sees. Each
// scenario gets `open(namespace)` for a fresh connection and returns its observation;
// tests/live/test_clients.py says what that must be.

const {bytes, isBytes, spelled: spelledBytes, values} = require('./bytes.js');

const ACCENTS = 'h\u00e9llo \u00fcber \u0161\u010d';
const SNOWMAN = '\u2603';
const KANJI = '\u6f22\u5b57';
const EMOJI = '\u{1f600}';
const SEPARATOR = 'line\u2028separator';

const ABC = bytes([97, 98, 99]);
const EVERY_BYTE = bytes(Array(256).keys());
const STAMP = bytes([255, 0]);
const MANY_BYTES = Array.from({length: 300_000}, (_, index) => index % 256);

// What arrived, with bytes in a form that JSON has and that differs from text.
function spelled(value) {
  if (isBytes(value)) return spelledBytes(value);
  if (Array.isArray(value)) return value.map(spelled);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, spelled(each)]),
  );
}

const scenarios = {
  async connect(open) {
    const client = await open('/lab');
    return {transport: client.transport};
  },

  async ping(open) {
    const client = await open('/pingpong');
    client.emit('ping', {type: 'ping'});
    return {sound: (await client.next('pong'))[0]};
  },

  // What a client missed, and what one that is new gets first.
  async history(open) {
    const speaker = await open('/news');
    const name = `news ${Math.random()}`;
    await speaker.ask('tell', name, 1, 2, 3);
    const client = await open('/news');
    const [subscribed] = await client.ask('subscribe', 'topic', name);
    const rewound = [await client.next('pubblication'), await client.next('pubblication')];
    await client.close();
    await speaker.ask('tell', name, 4, 5);
    const back = await open('/news');
    const [[resumed, complete]] = await back.ask('resume', rewound[1][1], 'topic', name);
    const missed = await back.take('pubblication', 2);
    await speaker.ask('tell', name, 6);
    return {
      subscribed: subscribed === name && resumed === name,
      rewound: rewound.map(([number]) => number),
      complete,
      missed,
      live: await back.take('pubblication', 1),
    };
  },

  // The ping after them shows that there were ten.
  async fireball(open) {
    const client = await open('/pingpong');
    client.emit('ping', {type: 'fireball'});
    client.emit('ping', {type: 'ping'});
    return {sounds: (await client.take('pong', 11)).map((data) => data.sound)};
  },

  async auto(open) {
    const client = await open('/pingpong');
    client.emit('ping', {type: 'auto'});
    const [first] = await client.next('pong');
    const others = first.sound === 'pong' ? 0 : 9;
    return {sounds: [first, ...await client.take('pong', others)]
      .map((data) => data.sound)};
  },

  async got_an_error(open) {
    const client = await open('/pingpong');
    client.emit('ping', {type: 'error'});
    return {error: await client.next('error')};
  },

  async server_acks(open) {
    const client = await open('/lab');
    return {
      one: await client.ask('add', 2, 3),
      several: await client.ask('divide', 7, 2),
      object: await client.ask('describe', {name: 'lab', parts: [1, 'two', null]}),
    };
  },

  // The client accepts a number as a name; no method can have it.
  async number_for_a_name(open) {
    const client = await open('/lab');
    client.emit(7, 'seven');
    const error = await client.next('error');
    return {error, sum: await client.ask('add', 2, 3)};
  },

  async beyond_ascii(open) {
    const client = await open('/\u00e9t\u00e9');
    const sum = await client.ask('add', 2, 3);
    client.emit('greet');
    return {sum, greeting: await client.next('greeting')};
  },

  async client_acks(open) {
    const client = await open('/lab');
    client.emit('ask_me', 'colour');
    const [question, answer] = await client.next('question');
    answer('blue', 42);
    return {question, answered: await client.next('answered')};
  },

  // The client, asked together with all sockets that have its id.
  async survey(open) {
    const client = await open('/lab');
    client.emit('survey', 'colour', (...args) => client.deliver('surveyed', args));
    const [question, answer] = await client.next('question');
    answer('blue', [7]);
    const [id, answers, missing] = await client.next('surveyed');
    const known = client.socket.id === id;
    return {question, known, answer: answers[id], missing, rooms: await client.ask('rooms')};
  },

  // The server's handler does not return before the client has answered.
  async server_waits_for_ack(open) {
    const client = await open('/lab');
    client.emit('wait_for_me', 'colour');
    const [question, answer] = await client.next('question');
    answer('red');
    return {question, answered: await client.next('answered')};
  },

  // As the one before, but the server's handler calls the client as a function.
  async server_calls(open) {
    const client = await open('/lab');
    const answers = [[], ['green'], ['green', 7]];
    const returned = [];
    for (const answered of answers) {
      client.emit('consult', 'colour', (...args) => client.deliver('consulted', args));
      const [question, answer] = await client.next('question');
      answer(...answered);
      returned.push([question, ...await client.next('consulted')]);
    }
    return {returned};
  },

  // The handler does not wait for ever; an answer after its timeout is ignored.
  async server_calls_in_vain(open) {
    const client = await open('/lab');
    client.emit('consult_hastily', (...args) => client.deliver('consulted', args));
    const [, answer] = await client.next('question');
    const consulted = await client.next('consulted');
    answer('late');
    return {consulted, afterwards: await client.ask('add', 1, 1)};
  },

  async callback_times_out(open) {
    const client = await open('/lab');
    client.emit('ask_me_hastily', 0.05);
    const [, answer] = await client.next('question');
    const told = await client.next('told');
    answer('late');
    const afterwards = await client.ask('add', 1, 1);
    return {told, afterwards, again: client.has('told')};
  },

  async callback_in_time(open) {
    const client = await open('/lab');
    client.emit('ask_me_hastily', 5);
    const [, answer] = await client.next('question');
    answer('early');
    return {told: await client.next('told')};
  },

  async validation(open) {
    const client = await open('/lab');
    client.emit('double', 'three');
    const error = await client.next('error');
    return {error, afterwards: await client.ask('double', '4')};
  },

  async wrong_arguments(open) {
    const client = await open('/lab');
    const errors = [];
    for (const args of [[], [1], [1, 2, 3]]) {
      client.emit('add', ...args);
      errors.push((await client.next('error'))[0]);
    }
    return {errors, afterwards: await client.ask('add', 1, 1)};
  },

  async access_denied(open) {
    const client = await open('/lab');
    client.emit('secret');
    const error = await client.next('error');
    return {error, afterwards: await client.ask('add', 1, 1)};
  },

  // With the cookie of a user.
  async access_granted(open) {
    const client = await open('/lab');
    return {secret: await client.ask('secret')};
  },

  async unknown_event(open) {
    const client = await open('/lab');
    client.emit('nonsense', 1);
    const error = await client.next('error');
    return {error, afterwards: await client.ask('add', 1, 1)};
  },

  async internal_error(open) {
    const client = await open('/lab');
    client.emit('boom');
    const error = await client.next('error');
    return {error, afterwards: await client.ask('add', 1, 1)};
  },

  // An ack tells a failure from a result.
  async failed_acks(open) {
    const client = await open('/lab');
    return {
      raised: await client.ask('boom'),
      exits: await client.ask('exit'),
      unknown: await client.ask('nonsense'),
      invalid: await client.ask('double', 'x'),
      denied: await client.ask('secret'),
      afterwards: await client.ask('add', 1, 1),
    };
  },

  // gevent's Timeout, which ends a handler's wait, is not an `Exception` in Python.
  async timeout_in_handler(open) {
    const client = await open('/lab');
    client.emit('lose_patience');
    const error = await client.next('error');
    return {error, afterwards: await client.ask('add', 1, 1)};
  },

  async refused(open) {
    const client = await open('/members', {wait: false});
    return {outcome: await client.first(['connect', 'refused', 'error'])};
  },

  // Only clients 3.x and 4.x have an auth payload.
  async query(open) {
    const client = await open('/lab?token=se%20same&level=3');
    return {known: await client.ask('query')};
  },

  // Clients 1.x and 2.x have a query for each namespace of a connection.
  async queries(open) {
    const client = await open('/lab?token=first');
    const beside = client.socket.io.socket('/annex', {query: 'token=beside'});
    await new Promise((resolve) => beside.on('connect', resolve));
    return {
      first: await client.ask('query'),
      beside: [await new Promise((resolve) => beside.emit('query', resolve))],
    };
  },

  async auth(open) {
    const auth = {token: 'sesame', level: 3};
    const [with_it, without] = [await open('/lab', {auth}), await open('/lab')];
    return {
      with_it: await with_it.ask('auth'),
      without: await without.ask('auth'),
    };
  },

  // `recv_connect` emitted before it refused; the client must not receive it.
  async turned_away(open) {
    const client = await open('/door', {wait: false, auth: {token: 'friend?'}});
    const outcome = await client.first(['connect', 'refused', 'error']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    return {
      outcome,
      connected: client.has('connect') || client.has('welcome'),
    };
  },

  // Members of a room receive secrets while `recv_connect` of another client runs,
  // which will fail.
  async kept_out(open) {
    const insider = await open('/vault?word=sesame');
    const outsider = await open('/vault', {wait: false});
    const [outcome] = await outsider.first(['connect', 'refused', 'error']);
    const secrets = await insider.take('heard', 9);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const leaked = ['connect', 'welcome', 'heard'].filter((name) => outsider.has(name));
    return {outcome, secrets, leaked};
  },

  // 0.9 clients send what they queued before they connect to their namespace again.
  async emits_while_away(open) {
    const client = await open('/lab', {reconnect: true});
    client.lose();
    await client.next('disconnect');
    for (const number of [1, 2, 3]) client.emit('count', number);
    return {counted: await client.take('counted', 3), errors: client.has('error')};
  },

  async let_in(open) {
    const client = await open('/door', {wait: false, auth: {token: 'friend'}});
    const [outcome] = await client.first(['connect', 'refused', 'error']);
    return {outcome, welcome: outcome === 'connect' && await client.next('welcome')};
  },

  async member(open) {
    const client = await open('/members');
    return {name: await client.ask('who')};
  },

  async not_mounted(open) {
    const client = await open('/nowhere', {wait: false});
    return {outcome: await client.first(['refused', 'error', 'connect'])};
  },

  async no_namespace(open) {
    const client = await open('');
    client.emit('anything', 1);
    return {error: await client.next('error')};
  },

  async client_disconnects(open) {
    const observer = await open('/lab');
    const leaver = await open('/lab');
    const name = `leaver ${Math.random()}`;
    await leaver.ask('call_me', name);
    leaver.leave();
    const left = await observer.ask('has_left', name);
    return {left, told: await leaver.next('disconnect')};
  },

  // The whole connection ends, not only the namespace.
  async client_closes(open) {
    const observer = await open('/lab');
    const leaver = await open('/lab');
    const name = `closer ${Math.random()}`;
    await leaver.ask('call_me', name);
    await leaver.close();
    return {left: await observer.ask('has_left', name)};
  },

  async server_disconnects(open) {
    const client = await open('/lab');
    client.emit('throw_me_out');
    return {told: await client.next('disconnect')};
  },

  async unicode(open) {
    const client = await open('/lab');
    client.emit('greet');
    const greeting = await client.next('greeting');
    const sent = [ACCENTS, SNOWMAN, KANJI, EMOJI, SEPARATOR].join(' ');
    const reported = await client.ask('report', sent);
    return {greeting, sent, reported};
  },

  // Answers larger than some clients read as text.
  async large(open) {
    const client = await open('/lab');
    const equal = [];
    for (const size of [20_000, 200_000, 900_000]) {
      const [filled] = await client.ask('fill', size);
      equal.push(filled.length > size && filled.endsWith('é'.repeat(size)));
    }
    return {equal};
  },

  // Numbered from the beginning: an upgrade must not lose or reorder any of them.
  async many(open) {
    const client = await open('/lab', {settle: false});
    for (let number = 0; number < 200; number += 1) client.emit('count', number);
    const numbers = await client.take('counted', 200);
    await client.settled();
    return {numbers, transport: client.transport};
  },

  async message(open) {
    const client = await open('/lab');
    client.emit('say', 'hello');
    return {message: (await client.next('message')).slice(0, 1)};
  },

  async client_sends(open) {
    const client = await open('/lab');
    client.send('hello');
    return {received: await client.next('received')};
  },

  // As the only argument of the event and of the ack; and empty.
  async bytes(open) {
    const client = await open('/lab');
    return {
      sent: spelled(EVERY_BYTE),
      reversed: spelled(await client.ask('reverse', EVERY_BYTE)),
      none: spelled(await client.ask('reverse', bytes([]))),
    };
  },

  // Inside of objects and lists, and beside them; in the event and in the ack.
  async bytes_nested(open) {
    const client = await open('/lab');
    const parcel = {label: 'fragile', inner: [{content: ABC}, null]};
    const ack = await client.ask('repack', parcel, STAMP);
    return spelled({ack, event: await client.next('repacked')});
  },

  async bytes_in_client_ack(open) {
    const client = await open('/lab');
    client.emit('fetch');
    const [key, answer] = await client.next('key');
    answer({content: [ABC]}, key);
    return spelled({key, fetched: await client.next('fetched')});
  },

  // In more than one message of the transport, and more than the kernel takes at once.
  async bytes_many(open) {
    const client = await open('/lab');
    const [returned] = await client.ask('reverse', bytes(MANY_BYTES));
    const expected = [...MANY_BYTES].reverse();
    return {equal: String(values(returned)) === String(expected)};
  },

  // To a client that cannot receive bytes.
  async bytes_refused(open) {
    const client = await open('/lab');
    client.emit('fetch');
    const error = await client.next('error');
    return {error, afterwards: await client.ask('add', 1, 1)};
  },

  async broadcast(open) {
    const speaker = await open('/lab');
    const listener = await open('/lab');
    const mark = `${Math.random()} `;
    speaker.emit('shout', `${mark}to all`);
    speaker.emit('shout_others', `${mark}to others`);
    speaker.emit('shout', `${mark}to all again`);
    return {
      speaker: await heard(speaker, mark, 2),
      listener: await heard(listener, mark, 3),
    };
  },

  async rooms(open) {
    const [speaker, roommate, outsider] = [
      await open('/lab'), await open('/lab'), await open('/lab'),
    ];
    const mark = `${Math.random()} `;
    const kitchen = `${mark}kitchen`;
    await speaker.ask('enter', kitchen);
    await roommate.ask('enter', kitchen);
    speaker.emit('tell_room', kitchen, `${mark}dinner`);
    const first = await heard(roommate, mark, 1);
    await roommate.ask('quit', kitchen);
    speaker.emit('tell_room', kitchen, `${mark}dessert`);
    speaker.emit('shout', `${mark}the end`);
    return {
      heard: [...first, ...await heard(roommate, mark, 1)],
      speaker: await heard(speaker, mark, 1),
      outsider: await heard(outsider, mark, 1),
    };
  },
};

// The texts of this scenario: the client also receives those of scenarios that others
// play at the same time.
async function heard(client, mark, count) {
  const texts = [];
  while (texts.length < count) {
    const [text] = await client.next('heard');
    if (text.startsWith(mark)) texts.push(text.slice(mark.length));
  }
  return texts;
}

// Waits until the test, which reads the standard output, stops the server.
scenarios.server_stop = async function serverStop(open) {
  const client = await open('/lab');
  await client.ask('add', 1, 1);
  console.log('READY');
  const told = await client.next('disconnect', 30_000);
  return {told, transport: client.transport};
};

// The client reconnects by itself when the server is restarted.
scenarios.server_reload = async function serverReload(open) {
  const client = await open('/lab', {reconnect: true});
  console.log('READY');
  await client.next('disconnect', 30_000);
  await client.next(client.comesBack, 30_000);
  return {answer: await client.ask('add', 2, 3)};
};

// A handler that takes longer than the client waits for the pong of its ping.
scenarios.long_handler = async function longHandler(open) {
  const client = await open('/lab');
  const answer = await client.ask('take_long', 4);
  return {answer, gone: client.has('disconnect')};
};

// A POST that the server refuses: the reason of the disconnection that the client
// reports, and whether it reconnects.
scenarios.too_large = async function tooLarge(open) {
  const client = await open('/lab', {reconnect: true});
  client.emit('report', 'x'.repeat(1_100_000));
  const [reason] = await client.next('disconnect');
  await client.next(client.comesBack);
  return {reason, answer: await client.ask('add', 2, 3)};
};

// Three attachments, larger than a message together, there and back.
scenarios.bytes_large = async function bytesLarge(open) {
  const client = await open('/lab');
  const sizes = [400_000, 400_001, 400_002];
  const contents = sizes.map((size) => bytes(Array(size).fill(size % 256)));
  const [{got}] = await client.ask('describe', contents);
  const equal = got.map((each, at) => String(values(each)) === String(values(contents[at])));
  return {equal, answer: await client.ask('add', 2, 3)};
};

// Three events when it connects, larger than what may wait for a client.
scenarios.greeted = async function greeted(open) {
  const client = await open('/parcels');
  const parcels = await client.take('parcel', 3);
  return {sizes: parcels.map((each) => each.length), answer: await client.ask('add', 2, 3)};
};

// The server lets it go, without or with a word.
async function comesBackAfter(open, event) {
  const client = await open('/lab', {reconnect: true});
  client.emit(event);
  await client.next('disconnect');
  await client.next(client.comesBack);
  return {answer: await client.ask('add', 2, 3), errors: client.has('error')};
}

scenarios.comes_back = (open) => comesBackAfter(open, 'throw_me_out_silently');
scenarios.comes_back_told = (open) => comesBackAfter(open, 'throw_me_out');
scenarios.comes_back_kicked = (open) => comesBackAfter(open, 'kick_me');

const ON_REQUEST = [
  'server_stop', 'server_reload', 'long_handler', 'access_granted', 'member',
  'too_large', 'bytes_large', 'greeted', 'comes_back', 'comes_back_told', 'comes_back_kicked',
];
const OF_BYTES = ['bytes', 'bytes_nested', 'bytes_in_client_ack', 'bytes_many'];

// The scenarios to play when none is named.
function usual(generation) {
  const not = [...ON_REQUEST, ...generation === '0.9' ? OF_BYTES : ['bytes_refused']];
  if (!['1', '2'].includes(generation)) not.push('queries');
  return Object.keys(scenarios).filter((name) => !not.includes(name));
}

module.exports = {scenarios, usual};
