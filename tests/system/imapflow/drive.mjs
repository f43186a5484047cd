// Drives imapflow against a server: node drive.mjs PORT USER PASSWORD SECURE
// Works through what a mail program does, then waits in IDLE.  Each line that it
// writes is a JSON value, [what, ...]; a line on its standard input ends it.
// It stands beside node_modules when it runs.
import { ImapFlow } from 'imapflow';
import readline from 'node:readline';

const [port, user, pass, secure] = process.argv.slice(2);
const say = (...what) => console.log(JSON.stringify(what, (key, value) =>
	typeof value === 'bigint' ? Number(value) :
	value instanceof Set ? [...value].sort() :
	value instanceof Map ? Object.fromEntries(value) : value));

const client = new ImapFlow({
	host: '127.0.0.1',
	port: Number(port),
	secure: secure === 'tls',
	doSTARTTLS: secure === 'starttls',
	auth: { user, pass },
	qresync: true,
	logger: false,
	tls: { rejectUnauthorized: false },
});
client.on('error', (error) => say('error', String(error)));

const letter = (number) => Buffer.from(
	`From: one@example.org\r\nSubject: letter ${number} käse\r\n` +
	`Message-ID: <flow${number}@example.org>\r\n` +
	`Content-Type: text/plain; charset=utf-8\r\n\r\nbody of ${number}\r\n`);

async function text(stream) {
	const parts = [];
	for await (const part of stream)
		parts.push(part);
	return Buffer.concat(parts).toString();
}

async function mailboxes() {
	say('created', (await client.mailboxCreate(['Büro', 'Ablage'])).created);
	await client.mailboxRename('Büro/Ablage', 'Büro/Neu');
	await client.mailboxSubscribe('Büro/Neu');
	say('list', (await client.list()).map((box) => [box.path, box.specialUse || '']).sort());
	say('status', await client.status('INBOX', { messages: true, uidNext: true, unseen: true,
		highestModseq: true }));
}

async function messages() {
	for (let number = 1; number <= 5; number++)
		await client.append('INBOX', letter(number), number % 2 ? ['\\Seen'] : [],
			new Date('2023-11-14T12:00:00Z'));
	const lock = await client.getMailboxLock('INBOX');
	try {
		const got = [];
		for await (const one of client.fetch('1:*', { uid: true, flags: true, envelope: true,
				bodyStructure: true, size: true, internalDate: true, emailId: true }))
			got.push([one.uid, one.flags, one.envelope.subject, one.bodyStructure.type,
				one.size, one.internalDate, Boolean(one.emailId)]);
		say('fetch', got);
		say('source', (await client.fetchOne('2', { source: true })).source.toString());
		const part = await client.download('3', 'TEXT');
		say('download', await text(part.content));
		say('search', await client.search({ subject: 'KÄSE', seen: false }, { uid: true }),
			await client.search({ body: 'body of 4' }));
		await client.messageFlagsAdd('2,4', ['\\Flagged', '$Work']);
		await client.messageFlagsRemove({ uid: '1' }, ['\\Seen']);
		say('copied', (await client.messageCopy('1:2', 'Büro/Neu')).uidMap);
		say('moved', (await client.messageMove({ uid: '3' }, 'Büro/Neu')).uidMap);
		say('deleted', await client.messageDelete({ uid: '5' }));
		say('left', (await client.fetchAll('1:*', { flags: true })).map(
			(one) => [one.uid, one.flags]));
		say('quota', (await client.getQuota('INBOX')) !== null);
	} finally {
		lock.release();
	}
}

async function idle() {
	await client.mailboxOpen('INBOX');
	client.on('exists', (data) => say('exists', data.count, data.prevCount));
	client.on('expunge', (data) => say('expunge', data.seq, data.uid));
	client.on('flags', (data) => say('flags', data.seq, data.flags));
	client.idle();
	while (!client.idling)
		await new Promise((go) => setTimeout(go, 20));
	say('idling', client.idling);
	for await (const line of readline.createInterface({ input: process.stdin }))
		break;
}

try {
	await client.connect();
	say('capabilities', [...client.capabilities.keys()], [...client.enabled]);
	await mailboxes();
	await messages();
	await idle();
	await client.logout();
	say('end');
} catch (error) {
	say('failed', String(error), error.response, error.responseText);
	process.exitCode = 1;
}
process.exit();
