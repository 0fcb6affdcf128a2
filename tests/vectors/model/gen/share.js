// share.json: one share from the card to the report, each private part beside its item.
import { ascii, cat, hex, padTo, run, u8, u16, u32, u64, zeros } from '../lib/bytes.js';
import * as H from '../lib/hpke.js';
import * as K from '../lib/keys.js';
import { item } from '../lib/ledger.js';
import { OP } from '../lib/ops.js';
import * as Q from '../lib/parts.js';
import { person, rnd, rndScalar } from '../lib/people.js';
import * as P from '../lib/pre.js';
import * as S from '../lib/share.js';
import { known } from '../lib/known.js';
import { scalarBytes, sha256, xPublic } from '../lib/prim.js';

const TIME = 1700000000;
const DAY = 86400;
const ZERO16 = zeros(16);

export function build() {
	const netId = run(0x10, 16);
	const domain = run(0xd0, 16);
	const device = run(0xf0, 16);
	const people = Object.fromEntries([['owner', 0], ['grantee', 0x40], ['agent1', 0x60], ['agent2', 0x80], ['agent3', 0xa0], ['auditor', 0xc0]]
		.map(([n, first]) => [n, person(run(first, 32), netId)]));
	const { owner, grantee, agent1, agent2, agent3, auditor } = people;
	const agents = [agent1, agent2, agent3];
	const dom = K.domSign(owner.seed, domain, 1);
	const domId = sha256(dom.pk);
	const domBox = K.domBox(owner.seed, domain);
	const epochs = Object.fromEntries([1, 2, 3, 4].map((e) => [e, K.domPre(owner.seed, domain, e)]));

	const parts = [];
	/** An item with its part, and the letters inside in the clear. */
	function part(name, o, letters) {
		const opened = [];
		const seal = (pk, sk, label, aad, plain) => {
			const skE = rnd(`share eph ${name} ${opened.length}`, 32);
			const wire = H.seal(pk, skE, Q.info(label), aad, plain);
			known(`${name} ${label}`, H.open(sk, Q.info(label), aad, wire), hex(plain));
			opened.push({ label, sk: hex(sk), plain: hex(plain) });
			return wire;
		};
		const i = item({ version: 1, prev: zeros(32), time: TIME, epoch: 0, domain, ...o, priv: (head, pub) => cat(rnd(`share salt ${name}`, 32), letters(seal, head, pub)) });
		parts.push({ name, item: hex(i.bytes), part: hex(i.priv), id: hex(i.id), letters: opened });
		return i;
	}

	// ---- People ----
	const [name, born] = ['Gonçalves, Zoë', '1972-02-29'];
	const label = `${name}\t${born}`;
	const cardOf = (p, text) => Q.card({ kind: 1, netId, id: p.sign, x25519: p.box.pk, B: p.pre.pk, issued: TIME, expires: TIME + 365 * DAY, label: text });
	const cards = { owner: cardOf(owner, label), grantee: cardOf(grantee, 'Lima, Jo\t'), nameless: cardOf(agent1, '\t') };
	cards.domain = Q.card({ kind: 2, netId, id: owner.sign, x25519: domBox.pk, B: epochs[3].pk, domain, dom, issued: TIME, expires: TIME + 365 * DAY, label });
	const bundle = (p, changing) => cat(p.sign.pk, changing ? zeros(32) : p.box.pk, p.pre.pk);

	// ---- The grant, its fragments of two epochs, and how one rests at its agent ----
	const grantId = rnd('share grant', 16);
	const shareId = rnd('share id', 16);
	const rootDir = rnd('share root', 16);
	const t = { grantee: grantee.id, notBefore: TIME, notAfter: TIME + 30 * DAY, fromTime: TIME - DAY, purposes: 17, rights: 3, t: 2, n: 3 };
	const shareLabel = 'Tomografias do tórax — coração e pulmões';
	const grant = part('GRANT', { op: OP.GRANT, object: grantId, signerId: domId, epoch: 3, pub: S.terms(t) }, (seal, head, pub) => {
		const noteWire = seal(domBox.pk, domBox.sk, 'note', cat(head, pub), S.note(shareId, shareLabel));
		const letterWire = seal(grantee.box.pk, grantee.box.sk, 'grant', cat(head, pub), S.grantLetter({ card: cards.domain, rootDir, shareId, label: shareLabel }));
		return cat(grantee.pre.pk, agents.map((a) => a.id), noteWire, u16(letterWire.length), letterWire);
	});
	// The same of a folder inside: another domain, by the word of the one around it.
	const innerDomain = rnd('share inner', 16);
	const innerSigner = sha256(K.domSign(owner.seed, innerDomain, 1).pk);
	const innerBox = K.domBox(owner.seed, innerDomain);
	part('GRANT inner', { op: OP.GRANT, domain: innerDomain, object: rnd('share inner grant', 16), signerId: innerSigner, epoch: 3, pub: S.terms(t) }, (seal, head, pub) => {
		const noteWire = seal(innerBox.pk, innerBox.sk, 'note', cat(head, pub), S.note(shareId, shareLabel));
		const letterWire = seal(grantee.box.pk, grantee.box.sk, 'grant', cat(head, pub), S.grantLetter({ card: cards.domain, rootDir: domain, shareId, label: shareLabel }));
		return cat(grantee.pre.pk, agents.map((a) => a.id), noteWire, u16(letterWire.length), letterWire, S.outer({ domain, seed: dom.seed, head, pub }));
	});
	const fragments = [2, 3].map((epoch, j) => {
		const A = epochs[epoch].pk;
		const gctx = Q.gctx({ domain, grant: grantId, epoch, A, B: grantee.pre.pk, ...t });
		const kf = P.kfrags({ a: epochs[epoch].secret, A, B: grantee.pre.pk, ids: agents.map((a) => a.id), x: rndScalar(`share x ${epoch}`), f: [rndScalar(`share f ${epoch}`)], gctx, signSeed: dom.seed });
		const i = part(`KFRAGS ${epoch}`, { op: OP.KFRAGS, object: grantId, version: j + 1, signerId: domId, epoch }, (seal) =>
			cat(kf.X, u8(3), zeros(7), kf.list.map((k, n) => cat(k.id, k.U, k.sig, seal(agents[n].box.pk, agents[n].box.sk, 'kfrag', gctx, scalarBytes(k.rk))))));
		return { epoch, A, gctx, kf, item: i };
	});
	const row = cat(ascii('fragment '), grantId, u32(3));
	const restNonce = rnd('share rest nonce', 24);
	const rest = S.fragmentRow({ key: K.localSub(K.localKey(agent1.seed, device), 'agent-store'), nonce: restNonce, row, grant: grantId, epoch: 3, k: fragments[1].kf.list[0] });

	// ---- Three capsules: an older content, the listing of epoch 3, a content of epoch 3 ----
	const secret = K.encSecret(owner.seed);
	const capsule = (n, epoch, record, cver, kind, digest, r, u) => {
		const ctx = P.context({ domain, epoch, record, cver, kind, digest });
		const e = P.encapsulate(epochs[epoch].pk, ctx, r(ctx), u(ctx));
		return { n, epoch, record, cver, kind, digest, ctx, capsule: e.capsule, K: e.K, wdek: P.wrapDek(P.kek(e.K, zeros(32), ctx), ctx, run(0x30 + n, 32)), kcheck: K.listCheck(e.K, zeros(32), ctx) };
	};
	const content = (n, epoch) => capsule(n, epoch, rnd(`share record ${n}`, 16), n + 1, 1, rnd(`share digest ${n}`, 32), () => rndScalar(`share r ${n}`), () => rndScalar(`share u ${n}`));
	const listing = capsule(1, 3, domId.slice(0, 16), 0, 2, zeros(32), (ctx) => P.HS('list-r', secret, ctx), (ctx) => P.HS('list-u', secret, ctx));
	const capsules = [content(0, 2), listing, content(2, 3)];

	// ---- The request: five slots, of which the last two cannot be given ----
	const slots = [
		{ object: capsules[0].record, version: 1, kind: 1 }, { object: Q.labelHash('listkey', domId, u32(3)).slice(0, 16), version: 1, kind: 2 },
		{ object: capsules[2].record, version: 4, kind: 1 }, { object: rnd('share gone', 16), version: 2n ** 40n, kind: 1 }, { object: rnd('share first', 16), version: 1, kind: 1 },
	];
	const epk = rnd('share epk', 32);
	const boxKey = rnd('share mbox key', 32);
	const body = cat(u8(4), u8(2), u16(slots.length), u32(0), Q.slots(slots));
	const recipients = [...agents.map((a) => ({ rid: a.id, ...a.box })), { rid: cat(domain, ZERO16), ...domBox }, { rid: auditor.id, ...auditor.box }];
	const access = part('ACCESS_REQ', { op: OP.ACCESS_REQ, object: rnd('share access', 16), signerId: grantee.id, pub: cat(grantId, ZERO16, u16(slots.length), zeros(6)) }, (seal, head, pub) =>
		cat(xPublic(epk), Q.mbox({ k: boxKey, nonce: rnd('share mbox nonce', 24), head, pub, recipients: recipients.map((r, i) => {
			seal(r.pk, r.sk, 'mbox', cat(head, pub, r.rid), boxKey);
			return { ...r, skE: rnd(`share eph ACCESS_REQ ${i}`, 32) };
		}), body })));

	// ---- The answers: two agents (the second groups by epoch and refuses two slots), a refusal, the owner ----
	const convert = (a, j) => {
		const c = capsules[j];
		const f = fragments.find((x) => x.epoch === c.epoch);
		const out = P.reencapsulate(f.kf.list[a], c.capsule, c.ctx, access.id, rnd(`share cfrag ${a} ${j}`, 32));
		P.verifyCfrag(f.kf.list[a], dom.pk, c.capsule, out.cfrag, access.id);
		return { slot: j, status: 0, cfrag: out.cfrag };
	};
	const group = (a, epoch, js, more = []) => {
		const f = fragments.find((x) => x.epoch === epoch);
		return { epoch, ...(f ? { X: f.kf.X, U: f.kf.list[a].U, sig: f.kf.list[a].sig } : {}), answers: [...js.map((j) => convert(a, j)), ...more] };
	};
	const served = (who, signerId, mode, why, given, answer) => part(`ACCESS_SERVED ${who}`, {
		op: OP.ACCESS_SERVED, object: Q.labelHash('served', access.id, signerId).slice(0, 16), signerId, pub: cat(access.id, access.object, u8(mode), u8(why), u16(given), zeros(4)),
	}, (seal, head, pub) => cat(mode === 2 ? zeros(80) : seal(domBox.pk, domBox.sk, 'owner', cat(access.id, signerId), boxKey), seal(xPublic(epk), epk, 'served', cat(head, pub), answer)));
	const groups = [
		[group(0, 2, [0]), group(0, 3, [1, 2], [{ slot: 3, status: 26 }])],
		[{ epoch: 1, answers: [{ slot: 4, status: 28 }] }, group(1, 2, [0]), group(1, 3, [2, 1])],
	];
	served('agent1', agent1.id, 1, 0, 3, S.answerCfrags(groups[0]));
	served('agent2', agent2.id, 1, 0, 3, S.answerCfrags(groups[1]));
	served('agent3', agent3.id, 3, 32, 0, S.answerNothing());
	served('owner', domId, 2, 0, 3, S.answerKeys([{ slot: 0, status: 0, K: capsules[0].K }, { slot: 1, status: 0, K: capsules[1].K }, { slot: 2, status: 0, K: capsules[2].K }, { slot: 3, status: 26 }]));
	for (const [j, c] of capsules.entries()) {
		const f = fragments.find((x) => x.epoch === c.epoch);
		const frags = [0, 1].map((a) => ({ id: agents[a].id, cfrag: convert(a, j).cfrag }));
		known(`share combine ${j}`, P.combine({ b: grantee.pre.secret, A: f.A, B: grantee.pre.pk, X: f.kf.X, capsule: c.capsule, ctx: c.ctx, frags }), hex(c.K));
	}

	// ---- The report, and the other letters ----
	const rows = [
		{ object: slots[0].object, version: 1, first: TIME + 5, last: TIME + 9, opens: 3, reader: 1, purpose: 0, flags: 1, bytes: 2n ** 33n, program: ZERO16 },
		{ object: slots[2].object, version: 4, first: TIME + 6, last: TIME + 6, opens: 1, reader: 2, purpose: 4, flags: 2, bytes: 0, program: padTo(ascii('thumbnailer'), 16) },
	];
	part('READ_REPORT', { op: OP.READ_REPORT, object: rnd('share report', 16), signerId: grantee.id, pub: cat(grantId, ZERO16) }, (seal, head, pub) => seal(domBox.pk, domBox.sk, 'report', cat(head, pub), S.reportBody(rows)));
	const [word, via, why] = [rnd('share word', 16), rnd('share staff', 16), 'inconsciente após queda; alergias?'];
	const prepared = Q.labelHash('emergency', word, via, domain, u8(6)).slice(0, 16);
	part('EMERGENCY', { op: OP.EMERGENCY, object: prepared, signerId: grantee.id, pub: cat(prepared, via, word, u8(6)) }, (seal, head, pub) => seal(domBox.pk, domBox.sk, 'emergency', cat(head, pub), padTo(ascii(why), 512)));
	part('EPOCH by the owner', { op: OP.EPOCH, object: domain, version: 4, signerId: domId, epoch: 4, pub: epochs[4].pk }, () => u8(0));
	const writer = (n, to, rights, letter) => part(n, { op: OP.WRITER_ADD, object: to.id.slice(0, 16), signerId: domId, pub: cat(to.id, u16(rights), zeros(6), u64(TIME + 365 * DAY)) }, (seal, head, pub) =>
		seal(to.box.pk, to.box.sk, 'writer', cat(head, pub), S.writerLetter(letter)));
	writer('WRITER_ADD hospital', agent2, 1, { card: cards.domain, inboxDir: rnd('share inbox', 16), keys: [], label: 'Inbox' });
	writer('WRITER_ADD device', agent3, 8, { card: cards.domain, inboxDir: ZERO16, keys: [1, 2, 3].map((e) => ({ epoch: e, a: epochs[e].secret })), label: 'tablet' });
	const rsalt = rnd('share rsalt', 32);
	const request = { rsalt, rights: 3, purposes: 1, until: TIME + 30 * DAY, card: cards.grantee, path: '/Imagens/Tórax', reason: 'segunda opinião' };
	const to = S.requestTo(rsalt, owner.id);
	const asked = Q.labelHash('request', to, grantee.id).slice(0, 16);
	part('REQUEST', { op: OP.REQUEST, domain: ZERO16, object: asked, signerId: grantee.id, pub: to }, (seal, head, pub) =>
		seal(owner.box.pk, owner.box.sk, 'request', cat(head, pub), S.requestBody(request)));
	const no = 'não agora';
	part('DENY', { op: OP.DENY, domain: ZERO16, object: asked, version: 2, signerId: owner.id, pub: rsalt }, (seal, head, pub) =>
		seal(grantee.box.pk, grantee.box.sk, 'deny', cat(head, pub), S.reason(no)));
	const teamB = rndScalar('share team b');
	const team = rnd('share team', 16);
	part('DATASET_ADMIT', { op: OP.DATASET_ADMIT, domain: ZERO16, object: Q.labelHash('member', team, grantee.id).slice(0, 16), signerId: auditor.id, pub: cat(team, grantee.id, u64(TIME + 365 * DAY), zeros(8)) }, (seal, head, pub) =>
		seal(grantee.box.pk, grantee.box.sk, 'dataset-key', cat(head, pub), scalarBytes(teamB)));

	return {
		net_id: hex(netId), domain_id: hex(domain), device_id: hex(device), domain_pk: hex(dom.pk), domain_signer_id: hex(domId), domain_box_sk: hex(domBox.sk), domain_box_pk: hex(domBox.pk),
		people: Object.entries(people).map(([n, p]) => ({ name: n, seed: hex(p.seed), pk: hex(p.sign.pk), signer_id: hex(p.id), box_pk: hex(p.box.pk), B: hex(p.pre.pk), code: S.personCode(p.id) })),
		epochs: Object.entries(epochs).map(([e, k]) => ({ epoch: Number(e), a: hex(k.secretBytes), A: hex(k.pk) })),
		cards: {
			name, born, issued: TIME, expires: TIME + 365 * DAY, person: hex(cards.owner), other: hex(cards.grantee), nameless: hex(cards.nameless), domain: hex(cards.domain), domain_epoch: 3,
			file: S.cardFile(cards.owner), qr: S.cardQr(cards.owner), domain_qr: S.cardQr(cards.domain),
			number: K.safetyNumber(bundle(owner), bundle(grantee)), number_with_agent: K.safetyNumber(bundle(owner), bundle(agent1, true)),
		},
		terms: { grant_id: hex(grantId), grantee: hex(t.grantee), not_before: t.notBefore, not_after: t.notAfter, from_time: t.fromTime, purposes: t.purposes, rights: t.rights, t: t.t, n: t.n },
		share: { share_id: hex(shareId), root_dir_id: hex(rootDir), label: shareLabel, note_label: S.cutText(shareLabel, 31) },
		fragments: fragments.map((f) => ({ epoch: f.epoch, A: hex(f.A), gctx: hex(f.gctx), X: hex(f.kf.X), frags: f.kf.list.map((k) => ({ agent_id: hex(k.id), rk: hex(scalarBytes(k.rk)), U: hex(k.U), sig: hex(k.sig) })) })),
		at_rest: { agent_seed: hex(agent1.seed), row: hex(row), epoch: 3, sealed: hex(rest) },
		capsules: capsules.map((c) => ({ epoch: c.epoch, record_id: hex(c.record), cver: c.cver, kind: c.kind, digest: hex(c.digest), ctx: hex(c.ctx), capsule: hex(c.capsule), k: hex(c.K), wdek: c.kind === 1 ? hex(c.wdek) : '', dek: c.kind === 1 ? hex(run(0x30 + c.n, 32)) : '', kcheck: c.kind === 2 ? hex(c.kcheck) : '' })),
		access: { epk_sk: hex(epk), key: hex(boxKey), kcom: hex(Q.labelHash('mbox', boxKey)), body: hex(body), purpose: 4, reader: 2, slots: slots.map((x) => ({ object_id: hex(x.object), version: String(x.version), kind: x.kind })) },
		report: rows.map((r) => ({ object_id: hex(r.object), version: r.version, first: r.first, last: r.last, opens: r.opens, reader: r.reader, purpose: r.purpose, flags: r.flags, bytes: String(r.bytes), program: hex(r.program) })),
		emergency: { word: hex(word), via: hex(via), grant: hex(prepared), reason: why, code: S.emergencyCode(word) },
		request: { path: request.path, reason: request.reason, rights: 3, purposes: 1, until: request.until, rsalt: hex(rsalt), to: hex(to), deny: no },
		team: { b: hex(scalarBytes(teamB)), B: hex(P.mulBaseBytes(teamB)) },
		parts,
	};
}
