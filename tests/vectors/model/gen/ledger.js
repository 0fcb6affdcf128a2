// ledger.json: the fixed answers of the ledger's bytes, and one whole small network from its descriptor to an erased record.
import { ascii, cat, hex, padUnit, run, u8, u16, u32, u64, unhex, zeros } from '../lib/bytes.js';
import * as C from '../lib/content.js';
import * as K from '../lib/keys.js';
import { batch, entry, item } from '../lib/ledger.js';
import * as M from '../lib/merkle.js';
import * as N from '../lib/note.js';
import { OP } from '../lib/ops.js';
import * as Q from '../lib/parts.js';
import { person, personJson, rnd, rndScalar } from '../lib/people.js';
import * as P from '../lib/pre.js';
import { edPublic, edSign, hkdf512, hmacSha256, mod, mulBase, p256Sign, p256Verify, scalarBytes, sha256, xPublic, xchachaPoly, ed25519 } from '../lib/prim.js';
import * as X from '../lib/unixfs.js';
import * as DER from '../lib/x509.js';
import { known } from '../lib/known.js';

const TIME = 1700000000;
const DAY = 86400;
const ZERO16 = zeros(16);

const itemJson = (name, i) => ({
	name, op: i.op, flags: i.flags, domain_id: hex(i.domain), object_id: hex(i.object), version: i.version, prev: hex(i.prev), signer_id: hex(i.signerId),
	time: i.time, epoch: i.epoch, priv_len: i.priv.length, priv_hash: hex(i.head.slice(128)), head124: hex(i.head124), pub: hex(i.pub), priv: hex(i.priv), bytes: hex(i.bytes), id: hex(i.id),
});
const batchJson = (b, o) => ({
	signer_pk: hex(o.signerPk), signer_seed: hex(o.signSeed), net_id: hex(o.netId), time: o.time, valid_until: o.validUntil, seen_seq: o.seen?.seq ?? 0,
	seen_leaf: hex(o.seen?.leaf ?? zeros(32)), root: hex(b.root), header: hex(b.header), batch_id: hex(b.id), sig: hex(b.sig), batch: hex(b.bytes),
});

/** The answers fixed in the design: three items under an arbitrary net_id. */
function fixed() {
	const seed = run(0, 32);
	const [netId, domain, object] = [run(0x10, 16), run(0xd0, 16), run(0x80, 16)];
	const dom = K.domSign(seed, domain, 1);
	const sign = K.sign(seed, 1);
	const signerId = sha256(dom.pk);
	const A = mulBase(P.kat('a', 0)).toBytes();
	const common = { domain, signerId, time: TIME, epoch: 1 };
	const i0 = item({ ...common, op: OP.DOMAIN_NEW, object: domain, version: 1, pub: cat(run(0xa0, 32), A) });
	const i1 = item({ ...common, op: OP.META, flags: 1, object, version: 1, priv: cat(run(0x30, 32), zeros(584)) });
	const i2 = item({ ...common, op: OP.UNLINK, object, version: 2, prev: i1.id });
	const o = { items: [i0, i1, i2], signerPk: dom.pk, signSeed: dom.seed, netId, time: TIME, validUntil: TIME + 604800 };
	const b = batch(o);
	const common2 = { seq: 1, ledgerTime: TIME + 1, submitterId: sha256(sign.pk), prevEntry: run(0x50, 32), header: b.header };
	const e = entry({ ...common2, host: 0, netId, submitSeed: sign.seed, results: [0, 0, 0] });
	const f = entry({ ...common2, host: 1, block: 7, tx: 3, netId, submitSeed: sign.seed, results: [0, 24, 31] });
	known('item 0', i0.id, '5b7e7628c243751109396b54a56d8601b1d21a7946c1c4cbc72ee2df448b504d');
	known('item 1', i1.id, 'f16f01a347c70be31741ccc8e4774e148f3e246412b07a37e7ea4afa3d573011');
	known('item 2', i2.id, '628e8da56ef61617ed582e2e19726a29012a2841456f3ade467edbc0d64f0ac0');
	known('batch root', b.root, '95dcb94ef52d07bcceb84fd8bcbbf97790f0e82be13a465e45870f1cce4442c5');
	known('batch id', b.id, 'd417c326f1f9d26cf792af691acb5fef568e5bc73c180f94d1fd9599b16de8f0');
	known('batch sig', b.sig, 'cc672a98598fefb949e31c93b0abe2684d1095752cf28fe23ebcc4c433ada64abb5a11c4ad7e6d8343f3d406872d183409859dff93797ad49aaf3927e94ddc03');
	known('entry length', String(e.bytes.length), '379');
	known('entry leaf', e.leaf, '39deda853b8f1ed88de90fa0ab68ef58a89e2bc419882e5dfad58127416bf8c0');
	const entryJson = (x, host, block, tx, results) => ({
		host, seq: 1, ledger_time: TIME + 1, submitter_id: hex(common2.submitterId), submitter_pk: hex(sign.pk), submitter_seed: hex(sign.seed), block, tx,
		prev_entry: hex(common2.prevEntry), results: hex(Uint8Array.from(results)), submit_sig: hex(x.submitSig), entry: hex(x.bytes), leaf: hex(x.leaf),
	});
	return {
		items: [itemJson('DOMAIN_NEW', i0), itemJson('META', i1), itemJson('UNLINK', i2)], batch: batchJson(b, o),
		entries: [entryJson(e, 0, 0, 0, [0, 0, 0]), entryJson(f, 1, 7, 3, [0, 24, 31])],
	};
}

/** Three organisations, each with a CA of its own; net_id follows from the descriptor. */
function network() {
	const orgs = ['General Hospital', 'Lakeside Clinic', 'City Laboratory'].map((name, i) => {
		const caSeed = rnd(`ca ${name}`, 32);
		const caPk = edPublic(caSeed);
		const ca = DER.certificate({
			serial: 1, issuer: `${name} CA`, subject: `${name} CA`, from: TIME - 30 * DAY, to: TIME + 3650 * DAY, spki: DER.spkiEd25519(caPk), pk: caPk, caSeed, caPk, isCa: true,
		});
		const adminSeed = rnd(`admin ${name}`, 32);
		return { name, org: rnd(`org ${name}`, 16), caSeed, caPk, ca, adminSeed, adminPk: K.sign(adminSeed, 1).pk, msp: `Org${i + 1}MSP` };
	});
	const d = { orgs, quorum: 0, created: TIME - 1000, nonce: run(0x90, 16), name: 'Test network' };
	const bytes = Q.descriptor(d);
	return { ...d, bytes, netId: Q.netIdOf(bytes) };
}

/** A leaf certificate, Ed25519 or P-256, and the signature that binds an emrfs key to it. */
function certified(org, name, roles, alg) {
	const certSeed = rnd(`certificate key ${name}`, 32);
	const p256 = alg === 'p256' ? K.p256Key(certSeed, 0) : null;
	const pk = p256 ? p256.pk : edPublic(certSeed);
	const der = DER.certificate({
		serial: 2, issuer: `${org.name} CA`, subject: name, from: TIME - DAY, to: TIME + 400 * DAY, spki: p256 ? DER.spkiP256(pk) : DER.spkiEd25519(pk), pk,
		caSeed: org.caSeed, caPk: org.caPk, isCa: false, attrs: { 'emr.roles': roles, 'emr.org': hex(org.org) },
	});
	const bind = (msg) => {
		const sig = p256 ? p256Sign(p256.sk, msg) : edSign(certSeed, msg);
		if (!(p256 ? p256Verify(pk, msg, sig) : ed25519.verify(sig, msg, pk))) throw new Error('bind_sig');
		return sig;
	};
	return { der, ref: sha256(der), enrolment: sha256(ascii('emrfs/v1/enrol\0'), org.org, ascii(name.toLowerCase())), bind, pk, alg, sk: p256 ? p256.sk : certSeed };
}

class Story {
	constructor(net) {
		this.net = net;
		this.now = TIME;
		this.leaves = [M.leafHash(net.bytes)];
		this.batches = [];
		this.rows = new Map();
	}
	/** Next item of a row: version and prev follow from the one before. */
	item(name, row, o) {
		const last = this.rows.get(row);
		const i = item({ version: (last?.version ?? 0) + 1, prev: last?.id, time: this.now - 1, epoch: 0, domain: ZERO16, ...o });
		this.rows.set(row, i);
		return { name, row, i };
	}
	submit(name, signer, submitter, named, { valid = 604800, caller = null, note = '' } = {}) {
		const seq = this.leaves.length;
		const o = {
			items: named.map((x) => x.i), signerPk: signer.pk, signSeed: signer.seed, netId: this.net.netId, time: this.now, validUntil: this.now + valid,
			seen: { seq: seq - 1, leaf: this.leaves[seq - 1] },
		};
		if (seq === 1) o.seen = { seq: 0, leaf: zeros(32) };
		const b = batch(o);
		const results = named.map(() => 0);
		const e = entry({
			host: 0, netId: this.net.netId, seq, ledgerTime: this.now + 2, submitterId: submitter.id, submitSeed: submitter.sign.seed, prevEntry: this.leaves[seq - 1], header: b.header, results,
		});
		this.leaves.push(e.leaf);
		this.batches.push({
			name, note, ...batchJson(b, o), items: named.map((x) => itemJson(x.name, x.i)),
			caller: { submitter_id: hex(submitter.id), submitter_seed: hex(submitter.sign.seed), cert_sha256: caller ? hex(caller.ref) : '', enrolment: caller ? hex(caller.enrolment) : '', roles: caller?.roles ?? 0, org: caller ? hex(caller.org) : '' },
			entry: { seq, ledger_time: this.now + 2, prev_entry: hex(this.leaves[seq - 1]), results: hex(Uint8Array.from(results)), submit_sig: hex(e.submitSig), entry: hex(e.bytes), leaf: hex(e.leaf) },
		});
		this.now += 60;
		return { b, e, named, seq };
	}
}

function keyReg(story, name, p, { roles, rolesText, org, alg, how = 1, endorser = null, handle }) {
	const cert = how === 1 ? certified(org, name, rolesText, alg) : null;
	const reg = Q.keyRegPub({
		roles, how, org: org.org, x25519: p.box.pk, B: p.pre.pk, pop: P.pop(p.pre.secret, rndScalar(`pop ${name}`), story.net.netId, p.id), logPk: p.log.pk,
		ref: cert ? cert.ref : endorser.id, notAfter: TIME + 365 * DAY, netId: story.net.netId, signerId: p.id, bind: cert ? cert.bind : (m) => edSign(endorser.sign.seed, m),
	});
	P.verifyPop(p.pre.pk, reg.pub.slice(88, 152), story.net.netId, p.id);
	const handleBytes = ascii(handle);
	const der = cert ? cert.der : zeros(0);
	const it = story.item('KEY_REG', `K/${name}`, {
		op: OP.KEY_REG, object: p.id.slice(0, 16), signerId: p.id, pub: reg.pub,
		priv: cat(rnd(`salt key ${name}`, 32), u16(der.length), der, u8(handleBytes.length), handleBytes),
	});
	story.submit(`KEY_REG ${name}`, p.sign, how === 1 ? p : endorser, [it], { caller: cert ? { ref: cert.ref, enrolment: cert.enrolment, roles, org: org.org } : null });
	return { name, roles, how, org: hex(org.org), ref: hex(cert ? cert.ref : endorser.id), cert: hex(der), cert_alg: alg ?? '', cert_pk: cert ? hex(cert.pk) : '', bind_message: hex(reg.message), bind_sig: hex(reg.sig), handle };
}

function story() {
	const net = network();
	const s = new Story(net);
	const netId = net.netId;
	const [hospital, clinic, lab] = net.orgs;
	const patient = person(run(0, 32), netId);
	const admin = person(hospital.adminSeed, netId);
	const doctor = person(run(0x40, 32), netId);
	const agent1 = person(run(0x60, 32), netId);
	const agent2 = person(run(0x80, 32), netId);
	const device = person(run(0xa0, 32), netId);
	const registrations = [
		keyReg(s, 'admin', admin, { roles: 64 | 4, rolesText: 'admin,hospital', org: hospital, alg: 'ed25519', handle: 'admin@general' }),
		keyReg(s, 'patient', patient, { roles: 1, rolesText: 'patient', org: hospital, alg: 'p256', handle: '' }),
		keyReg(s, 'doctor', doctor, { roles: 2, rolesText: 'clinician', org: clinic, alg: 'p256', handle: 'lima@lakeside' }),
		keyReg(s, 'agent1', agent1, { roles: 32, rolesText: 'agent', org: hospital, alg: 'ed25519', handle: 'agent@general' }),
		keyReg(s, 'agent2', agent2, { roles: 32, rolesText: 'agent', org: lab, alg: 'ed25519', handle: 'agent@lab' }),
		keyReg(s, 'device', device, { roles: 128, org: hospital, how: 2, endorser: patient, handle: 'tablet' }),
	];

	// The domain and what it holds in epoch 1.
	const domain = rnd('domain', 16);
	const dom = K.domSign(patient.seed, domain, 1);
	const domId = sha256(dom.pk);
	const domBox = K.domBox(patient.seed, domain);
	const epochs = [null, K.domPre(patient.seed, domain, 1), K.domPre(patient.seed, domain, 2)];
	const dirId = rnd('directory', 16);
	const record = run(0x80, 16);
	const rPid = run(0x20, 32);
	const dek = run(0, 32);
	const contentSalt = run(0xa0, 24);
	const mtimeNs = BigInt(TIME) * 1000000000n;
	const secret = K.encSecret(patient.seed);
	const NO_KPQ = zeros(32);

	function listing(epoch) {
		const A = epochs[epoch].pk;
		const ctx = P.context({ domain, epoch, record: domId.slice(0, 16), cver: 0, kind: 2, digest: zeros(32) });
		const e = P.encapsulate(A, ctx, P.HS('list-r', secret, ctx), P.HS('list-u', secret, ctx));
		const it = s.item('LISTKEY', `L/${epoch}`, {
			op: OP.LISTKEY, domain, object: Q.labelHash('listkey', domId, u32(epoch)).slice(0, 16), signerId: domId, epoch,
			priv: cat(rnd(`salt listkey ${epoch}`, 32), e.capsule, K.listCheck(e.K, NO_KPQ, ctx)),
		});
		return { it, keyId: it.i.id, KL: K.listKey(e.K, NO_KPQ, ctx), json: { epoch, ctx: hex(ctx), k: hex(e.K), list_key: hex(K.listKey(e.K, NO_KPQ, ctx)), kcheck: hex(K.listCheck(e.K, NO_KPQ, ctx)) } };
	}
	function sealedMeta(L, epoch, object, version, m, label) {
		const nonce = rnd(`nonce ${label}`, 24);
		const plain = Q.meta(m);
		const ct = Q.metaSeal(K.metaKey(L.KL, object), nonce, { domain, object, version, epoch, listkeyId: L.keyId }, plain);
		metas.push({ name: label, object_id: hex(object), version, epoch, listkey_id: hex(L.keyId), list_key: hex(L.KL), nonce: hex(nonce), meta: hex(plain), meta_ct: hex(ct) });
		return { nonce, metaCt: ct, listkeyId: L.keyId };
	}
	const metas = [];
	const capsules = [];
	const content = contentOf({ dek, salt: contentSalt, record, rPid, issuer: dom, patient });
	function wrapped(epoch, label, cver) {
		const A = epochs[epoch].pk;
		const ctx = P.context({ domain, epoch, record, cver, kind: 1, digest: sha256(content.rootCid) });
		const rand = rnd(`rand32 ${label}`, 32);
		const e = P.encapsulate(A, ctx, P.HS('enc-r', rand, secret, ctx), P.HS('enc-u', rand, secret, ctx));
		const kek = P.kek(e.K, NO_KPQ, ctx);
		const wdek = P.wrapDek(kek, ctx, dek);
		capsules.push({ name: label, epoch, rand32: hex(rand), ctx: hex(ctx), capsule: hex(e.capsule), k: hex(e.K), kek: hex(kek), wdek: hex(wdek) });
		return { ctx, capsule: e.capsule, wdek, K: e.K };
	}
	const fileMeta = (name) => ({ type: 1, mode: 0o640, n: content.n, mtimeNs, parent: dirId, rPid, mime: 'text/plain', name, xattrs: { 'user.note': ascii('first look') } });

	const newDomain = s.item('DOMAIN_NEW', 'D', { op: OP.DOMAIN_NEW, domain, object: domain, signerId: domId, epoch: 1, pub: cat(domBox.pk, epochs[1].pk) });
	const L1 = listing(1);
	const rootDir = s.item('META', 'O/root', {
		op: OP.META, flags: 1, domain, object: domain, signerId: domId, epoch: 1,
		priv: Q.metaPart({ salt: rnd('salt root', 32), ...sealedMeta(L1, 1, domain, 1, { type: 2, mode: 0o750, mtimeNs, parent: ZERO16, name: 'Imaging' }, 'root directory') }),
	});
	const subDir = s.item('META', 'O/dir', {
		op: OP.META, flags: 1, domain, object: dirId, signerId: domId, epoch: 1,
		priv: Q.metaPart({ salt: rnd('salt dir', 32), ...sealedMeta(L1, 1, dirId, 1, { type: 2, mode: 0o750, mtimeNs, parent: domain, name: 'Março 2024' }, 'sub-directory') }),
	});
	const w1 = wrapped(1, 'PUT', 1);
	const put = s.item('PUT', 'O/file', {
		op: OP.PUT, domain, object: record, signerId: domId, epoch: 1,
		priv: Q.putPart({ salt: rnd('salt put', 32), rootCid: content.rootCid, padded: content.padded, record, cver: 1, capsule: w1.capsule, wdek: w1.wdek, ...sealedMeta(L1, 1, record, 1, fileMeta('hello.txt'), 'PUT') }),
	});
	const rename = s.item('META', 'O/file', {
		op: OP.META, domain, object: record, signerId: domId, epoch: 1,
		priv: Q.metaPart({ salt: rnd('salt rename', 32), ...sealedMeta(L1, 1, record, 2, fileMeta('greeting.txt'), 'rename') }),
	});
	const firstBatch = s.submit('a domain, its listing key, directories, a file, a rename', dom, patient, [newDomain, L1.it, rootDir, subDir, put, rename]);

	// The device becomes a co-owner.
	const personCard = Q.card({ kind: 1, netId, id: patient.sign, x25519: patient.box.pk, B: patient.pre.pk, issued: TIME, expires: TIME + 365 * DAY, label: 'Silva, Ana\t1984-03-12' });
	const domainCard = Q.card({ kind: 2, netId, id: patient.sign, x25519: domBox.pk, B: epochs[1].pk, domain, dom, issued: TIME, expires: TIME + 365 * DAY, label: 'Silva, Ana\t1984-03-12' });
	const doctorCard = Q.card({ kind: 1, netId, id: doctor.sign, x25519: doctor.box.pk, B: doctor.pre.pk, issued: TIME, expires: TIME + 365 * DAY, label: 'Lima, Jo\t' });
	const letters = [];
	const note = (name, skE, recipientSk, infoName, aad, plain) => letters.push({ name, recipient_sk: hex(recipientSk), ephemeral_sk: hex(skE), info: hex(Q.info(infoName)), aad: hex(aad), plain: hex(plain) });
	const label = ascii('tablet');
	const writerLetter = padUnit(cat(u16(domainCard.length), domainCard, ZERO16, NO_KPQ, u8(1), u32(1), epochs[1].secretBytes, u8(label.length), label), 512);
	const addDevice = s.item('WRITER_ADD', 'W/device', {
		op: OP.WRITER_ADD, domain, object: device.id.slice(0, 16), signerId: domId, pub: cat(device.id, u16(8), zeros(6), u64(TIME + 365 * DAY)),
		priv: (head, pub) => {
			const skE = rnd('eph writer', 32);
			note('WRITER_ADD letter', skE, device.box.sk, 'writer', cat(head, pub), writerLetter);
			return cat(rnd('salt writer', 32), Q.letter(device.box.pk, skE, 'writer', cat(head, pub), writerLetter));
		},
	});
	s.submit('the device becomes a co-owner', dom, patient, [addDevice]);

	// The doctor asks, the patient grants through two agents.
	const reqPath = ascii('/Imaging');
	const reqReason = ascii('second opinion');
	const reqBody = padUnit(cat(rnd('rsalt', 32), u16(3), u16(0), u32(1), u64(TIME + 30 * DAY), u16(doctorCard.length), doctorCard, u16(reqPath.length), reqPath, u16(reqReason.length), reqReason), 512);
	const asked = rnd('request', 32);
	const request = s.item('REQUEST', 'Q', {
		op: OP.REQUEST, domain, object: Q.labelHash('request', asked, doctor.id).slice(0, 16), signerId: doctor.id, pub: asked,
		priv: (head, pub) => {
			const skE = rnd('eph request', 32);
			note('REQUEST body', skE, domBox.sk, 'request', cat(head, pub), reqBody);
			return cat(rnd('salt request', 32), Q.letter(domBox.pk, skE, 'request', cat(head, pub), reqBody));
		},
	});
	s.submit('a request for access', doctor.sign, doctor, [request]);

	const grantId = rnd('grant', 16);
	const shareId = rnd('share', 16);
	const terms = { notBefore: TIME, notAfter: TIME + 30 * DAY, fromTime: 0, t: 2, n: 2, rights: 3, purposes: 1 };
	const agents = [agent1, agent2];
	const shareLabel = ascii('Imaging');
	const grantLetter = padUnit(cat(u16(domainCard.length), domainCard, domain, shareId, NO_KPQ, u8(shareLabel.length), shareLabel), 512);
	const ownerNote = cat(shareId, u8(shareLabel.length), Q.fixedLabel('Imaging', 31));
	const grant = s.item('GRANT', 'G', {
		op: OP.GRANT, domain, object: grantId, signerId: domId, epoch: 1,
		pub: cat(doctor.id, u64(terms.notBefore), u64(terms.notAfter), u64(terms.fromTime), u32(terms.purposes), u16(terms.rights), u8(terms.t), u8(terms.n)),
		priv: (head, pub) => {
			const [skN, skL] = [rnd('eph note', 32), rnd('eph grant', 32)];
			note('GRANT note', skN, domBox.sk, 'note', cat(head, pub), ownerNote);
			note('GRANT letter', skL, doctor.box.sk, 'grant', cat(head, pub), grantLetter);
			const sealed = Q.letter(doctor.box.pk, skL, 'grant', cat(head, pub), grantLetter);
			return cat(rnd('salt grant', 32), doctor.pre.pk, agents.map((a) => a.id), Q.letter(domBox.pk, skN, 'note', cat(head, pub), ownerNote), u16(sealed.length), sealed);
		},
	});
	const gctx = Q.gctx({ domain, grant: grantId, epoch: 1, A: epochs[1].pk, B: doctor.pre.pk, ...terms });
	const kf = P.kfrags({ a: epochs[1].secret, A: epochs[1].pk, B: doctor.pre.pk, ids: agents.map((a) => a.id), x: rndScalar('x'), f: [rndScalar('f1')], gctx, signSeed: dom.seed });
	const kfragsItem = s.item('KFRAGS', 'F', {
		op: OP.KFRAGS, domain, object: grantId, signerId: domId, epoch: 1,
		priv: cat(rnd('salt kfrags', 32), kf.X, u8(2), zeros(7), kf.list.map((k, i) => {
			const skE = rnd(`eph kfrag ${i}`, 32);
			note(`kfrag ${i + 1}`, skE, agents[i].box.sk, 'kfrag', gctx, scalarBytes(k.rk));
			return cat(k.id, k.U, k.sig, Q.letter(agents[i].box.pk, skE, 'kfrag', gctx, scalarBytes(k.rk)));
		})),
	});
	const approve = s.item('APPROVE', 'Q', { op: OP.APPROVE, domain, object: request.i.object, signerId: domId, pub: cat(domain, grantId) });
	s.submit('a grant through two agents, and the approval', dom, patient, [grant, kfragsItem, approve]);

	// The doctor opens the listing and the file; both agents answer.
	const slots = [{ object: L1.it.i.object, version: 1, kind: 2 }, { object: record, version: 1, kind: 1 }];
	const epk = { sk: rnd('epk', 32) };
	epk.pk = xPublic(epk.sk);
	const boxKey = rnd('mbox key', 32);
	const ownerRid = cat(domain, ZERO16);
	const accessBody = cat(u8(0), u8(1), u16(slots.length), u32(0), Q.slots(slots));
	const access = s.item('ACCESS_REQ', 'R', {
		op: OP.ACCESS_REQ, domain, object: rnd('access', 16), signerId: doctor.id, pub: cat(grantId, ZERO16, u16(slots.length), zeros(6)),
		priv: (head, pub) => {
			const rcpt = [...agents.map((a, i) => ({ rid: a.id, pk: a.box.pk, sk: a.box.sk, skE: rnd(`eph mbox ${i}`, 32) })), { rid: ownerRid, pk: domBox.pk, sk: domBox.sk, skE: rnd('eph mbox owner', 32) }];
			for (const r of rcpt) note(`mbox key to ${hex(r.rid).slice(0, 8)}`, r.skE, r.sk, 'mbox', cat(head, pub, r.rid), boxKey);
			return cat(rnd('salt access', 32), epk.pk, Q.mbox({ k: boxKey, nonce: rnd('mbox nonce', 24), head, pub, recipients: rcpt, body: accessBody }));
		},
	});
	s.submit('ACCESS_REQ', doctor.sign, doctor, [access], { valid: 600 });

	const lctx = unhex(L1.json.ctx);
	const lcapsule = L1.it.i.priv.slice(32, 128);
	const served = agents.map((a, i) => {
		const frags = [[lcapsule, lctx], [w1.capsule, w1.ctx]].map(([capsule, ctx], j) => {
			const c = P.reencapsulate(kf.list[i], capsule, ctx, access.i.id, rnd(`cfrag ${i} ${j}`, 32));
			P.verifyCfrag(kf.list[i], dom.pk, capsule, c.cfrag, access.i.id);
			return c.cfrag;
		});
		const answer = padUnit(cat(u16(1), u32(1), kf.X, kf.list[i].U, kf.list[i].sig, u16(frags.length), frags.map((f, j) => cat(u16(j), u8(0), u8(0), f))), 512);
		const it = s.item('ACCESS_SERVED', `S/${i}`, {
			op: OP.ACCESS_SERVED, domain, object: Q.labelHash('served', access.i.id, a.id).slice(0, 16), signerId: a.id,
			pub: cat(access.i.id, access.i.object, u8(1), u8(0), u16(frags.length), zeros(4)),
			priv: (head, pub) => {
				const [skO, skA] = [rnd(`eph owner ${i}`, 32), rnd(`eph served ${i}`, 32)];
				note(`owner wrap ${i + 1}`, skO, domBox.sk, 'owner', cat(access.i.id, a.id), boxKey);
				note(`answer ${i + 1}`, skA, epk.sk, 'served', cat(head, pub), answer);
				return cat(rnd(`salt served ${i}`, 32), Q.letter(domBox.pk, skO, 'owner', cat(access.i.id, a.id), boxKey), Q.letter(epk.pk, skA, 'served', cat(head, pub), answer));
			},
		});
		s.submit(`ACCESS_SERVED by agent ${i + 1}`, a.sign, a, [it], { valid: 600 });
		return { agent_id: hex(a.id), cfrags: frags.map(hex), answer: hex(answer), frags };
	});
	for (const [j, [capsule, ctx, want]] of [[lcapsule, lctx, L1.json.k], [w1.capsule, w1.ctx, hex(w1.K)]].entries())
		known(`story combine ${j}`, P.combine({ b: doctor.pre.secret, A: epochs[1].pk, B: doctor.pre.pk, X: kf.X, capsule, ctx, frags: agents.map((a, i) => ({ id: a.id, cfrag: served[i].frags[j] })) }), want);

	const reportBody = cat(u16(1), record, u64(1), u64(TIME + 500), u64(TIME + 510), u32(2), u8(1), u8(0), u16(1), u64(content.n), ZERO16);
	const report = s.item('READ_REPORT', 'X', {
		op: OP.READ_REPORT, domain, object: rnd('report', 16), signerId: doctor.id, pub: cat(grantId, ZERO16),
		priv: (head, pub) => {
			const skE = rnd('eph report', 32);
			note('READ_REPORT body', skE, domBox.sk, 'report', cat(head, pub), reportBody);
			return cat(rnd('salt report', 32), Q.letter(domBox.pk, skE, 'report', cat(head, pub), reportBody));
		},
	});
	s.submit('READ_REPORT', doctor.sign, doctor, [report]);

	// Revocation, a new epoch, the file wrapped again, then removed and erased.
	const revoke = s.item('REVOKE', 'G', { op: OP.REVOKE, domain, object: grantId, signerId: domId, pub: cat(u8(0), zeros(7)) });
	s.submit('REVOKE', dom, patient, [revoke]);
	const epoch2 = s.item('EPOCH', 'D', { op: OP.EPOCH, domain, object: domain, signerId: domId, epoch: 2, pub: epochs[2].pk, priv: cat(rnd('salt epoch', 32), u8(0)) });
	const L2 = listing(2);
	const w2 = wrapped(2, 'REWRAP', 1);
	const rewrap = s.item('REWRAP', 'O/file', {
		op: OP.REWRAP, domain, object: record, signerId: domId, epoch: 2,
		priv: Q.putPart({ salt: rnd('salt rewrap', 32), rootCid: content.rootCid, padded: content.padded, record, cver: 1, capsule: w2.capsule, wdek: w2.wdek, ...sealedMeta(L2, 2, record, 3, fileMeta('greeting.txt'), 'REWRAP') }),
	});
	s.submit('a new epoch, its listing key, the file wrapped again', dom, patient, [epoch2, L2.it, rewrap]);
	const unlink = s.item('UNLINK', 'O/file', { op: OP.UNLINK, domain, object: record, signerId: domId, epoch: 2 });
	s.submit('UNLINK', dom, patient, [unlink]);
	const erase = s.item('ERASE', 'O/file', { op: OP.ERASE, domain, object: record, signerId: domId, pub: cat(u8(OP.PUT), zeros(7), u64(1), u64(4)) });
	s.submit('ERASE', dom, patient, [erase]);
	const delDevice = s.item('WRITER_DEL', 'W/device', { op: OP.WRITER_DEL, domain, object: device.id.slice(0, 16), signerId: domId });
	s.submit('WRITER_DEL', dom, patient, [delDevice]);
	const trustee = trusteeSet(s, patient, [doctor, agent1, admin], note);
	s.submit('TRUSTEE_SET', patient.sign, patient, [trustee.it]);

	return {
		network: {
			name: net.name, created: net.created, nonce: hex(net.nonce), quorum: net.quorum, descriptor: hex(net.bytes), descriptor_leaf: hex(s.leaves[0]), net_id: hex(netId),
			orgs: net.orgs.map((o) => ({ name: o.name, org: hex(o.org), msp: o.msp, admin_pk: hex(o.adminPk), admin_id: hex(sha256(o.adminPk)), ca: hex(o.ca), ca_sha256: hex(sha256(o.ca)), ca_seed: hex(o.caSeed), ca_pk: hex(o.caPk) })),
		},
		people: Object.entries({ admin, patient, doctor, agent1, agent2, device }).map(([n, p]) => personJson(n, p, hex)),
		registrations,
		domain: {
			domain_id: hex(domain), sign_seed: hex(dom.seed), sign_pk: hex(dom.pk), signer_id: hex(domId), box_sk: hex(domBox.sk), box_pk: hex(domBox.pk), a1: hex(epochs[1].secretBytes), A1: hex(epochs[1].pk),
			a2: hex(epochs[2].secretBytes), A2: hex(epochs[2].pk), directory_id: hex(dirId), record_id: hex(record), r_pid: hex(rPid), dek: hex(dek), enc_secret: hex(secret),
			root_cid: hex(content.rootCid), padded_len: String(content.padded), n: content.n,
		},
		listing: [L1.json, L2.json], capsules, metas, letters,
		grant: {
			grant_id: hex(grantId), share_id: hex(shareId), not_before: terms.notBefore, not_after: terms.notAfter, from_time: 0, t: 2, n: 2, rights: 3, purposes: 1, gctx: hex(gctx), X: hex(kf.X),
			frags: kf.list.map((k) => ({ agent_id: hex(k.id), rk: hex(scalarBytes(k.rk)), U: hex(k.U), sig: hex(k.sig) })),
		},
		access: { req: hex(access.i.id), epk_sk: hex(epk.sk), mbox_key: hex(boxKey), body: hex(accessBody), served: served.map(({ frags, ...rest }) => rest) },
		trustees: trustee.json,
		cards: cards({ net, admin, patient, doctor, agent1, personCard, domainCard, hospital }),
		batches: s.batches,
		log: log({ s, patient, agent1, firstBatch, put, content, net }),
	};
}

/** The content that the story's PUT names: the 13-byte file with its statement. */
function contentOf({ dek, salt, record, rPid, issuer, patient }) {
	const plain = ascii('hello, emrfs\n');
	const padded = C.paddedLength(plain.length);
	const keys = C.schedule(dek, salt, 1);
	const dag = X.file([...C.leaves(keys, 1, plain, padded)]);
	const hk = run(0x40, 32);
	const root = C.plainRoot(hk, plain);
	const stmt = C.statement({
		alg: 1, kind: 1, issuerId: sha256(issuer.pk), pidCommit: C.pidCommit(rPid, patient.sign.pk), record, cver: 1, prevStmt: zeros(32), root, n: plain.length,
		typeHash: C.typeHash('text/plain', ''), issuedAt: TIME, issuerSeq: 0, certRef: zeros(32), content: C.contentHash(1, padded, dag.cid), com: keys.com,
	});
	const sig = C.signStatement(issuer.seed, stmt);
	const man = C.manifest({ n: plain.length, mtimeNs: BigInt(TIME) * 1000000000n, hk, root, mime: 'text/plain', doc: '', stmt, sig });
	const m = C.mBlock({ Km: keys.Km, suite: 1, flags: 0, padded, salt, com: keys.com, mnonce: run(0xc0, 24), record, cver: 1, manifest: man });
	const dir = X.directory([{ name: 'c', cid: dag.cid, tsize: dag.tsize }, { name: 'm', cid: X.rawCid(m), tsize: m.length }]);
	return { n: plain.length, padded, rootCid: dir.cid, stmt, sig, hk };
}

function trusteeSet(s, owner, trustees, note) {
	const coef = [rndScalar('trustee k'), rndScalar('trustee f1')];
	const commitments = coef.map((c) => mulBase(c).toBytes());
	const k = scalarBytes(coef[0]);
	const nonce = rnd('trustee nonce', 24);
	const key = hkdf512(ascii('emrfs/v1/id'), k, ascii('trustee\0'), 32);
	const shares = trustees.map((_, i) => scalarBytes(mod(coef[0] + coef[1] * BigInt(i + 1))));
	const sealedSeed = xchachaPoly(key, nonce, cat(commitments), owner.seed);
	const it = s.item('TRUSTEE_SET', 'TR', {
		op: OP.TRUSTEE_SET, object: rnd('trustee set', 16), signerId: owner.id, pub: cat(u8(2), u8(3), zeros(2), u32(3 * DAY)),
		priv: (head, pub) => cat(rnd('salt trustee', 32), commitments, trustees.map((p, i) => {
			const skE = rnd(`eph trustee ${i}`, 32);
			const plain = cat(u8(i + 1), shares[i]);
			note(`trustee share ${i + 1}`, skE, p.box.sk, 'trustee', cat(head, pub, p.id), plain);
			return cat(p.id, Q.letter(p.box.pk, skE, 'trustee', cat(head, pub, p.id), plain));
		}), nonce, sealedSeed),
	});
	return { it, json: { t: 2, n: 3, k: hex(k), commitments: commitments.map(hex), shares: shares.map((v, i) => ({ i: i + 1, share: hex(v) })), key: hex(key), sealed_seed: hex(sealedSeed) } };
}

function cards({ net, admin, patient, doctor, agent1, personCard, domainCard, hospital }) {
	const name = ascii(net.name);
	const url = ascii('file:///srv/emrfs/network');
	const secret = rnd('invitation secret', 32);
	const invId = rnd('invitation', 16);
	const invBody = cat(ascii('EMIV'), u8(1), u8(0), u16(2), net.netId, hospital.org, u64(TIME + 7 * DAY), invId, secret, admin.sign.pk, u8(name.length), name, u16(url.length), url, u32(net.bytes.length), net.bytes);
	const invitation = cat(invBody, edSign(admin.sign.seed, ascii('emrfs/v1/invite\0'), invBody));
	const guest = rnd('guest', 120); // not a real certificate, only bytes
	const place = rnd('place', 90);
	const awayBody = cat(ascii('EMIV'), u8(2), invBody.slice(5), u16(guest.length), guest, u32(place.length), place);
	const guestKey = K.p256Key(hkdf512(ascii('emrfs/v1/guest'), secret, new Uint8Array(0), 32), 0);
	const pub = Q.keyRegPub({
		roles: 2, how: 1, org: hospital.org, x25519: doctor.box.pk, B: doctor.pre.pk, pop: P.pop(doctor.pre.secret, rndScalar('pop reply'), net.netId, doctor.id), logPk: doctor.log.pk,
		ref: zeros(32), notAfter: TIME + 365 * DAY, netId: net.netId, signerId: doctor.id, bind: () => zeros(64),
	}).pub;
	const csr = rnd('not a real request, only bytes', 40);
	const replyBody = cat(ascii('EMEN'), u8(1), zeros(3), invId, doctor.sign.pk, pub, u16(csr.length), csr);
	const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
	const bits = [...patient.id.slice(0, 3)].reduce((v, x) => (v << 8) | x, 0);
	return {
		person_card: hex(personCard), domain_card: hex(domainCard), label: 'Silva, Ana\t1984-03-12', code: [19, 14, 9, 4].map((sh) => base32[(bits >> sh) & 31]).join(''), code_signer_id: hex(patient.id),
		invitation: hex(invitation), invitation_secret: hex(secret), invitation_id: hex(invId), invitation_admin_pk: hex(admin.sign.pk),
		invitation_away: hex(cat(awayBody, edSign(admin.sign.seed, ascii('emrfs/v1/invite\0'), awayBody))), invitation_guest: hex(guest), invitation_place: hex(place),
		guest_spki: hex(DER.spkiP256(guestKey.pk)),
		reply: hex(cat(replyBody, hmacSha256(secret, replyBody))), reply_pub: hex(pub), reply_csr: hex(csr),
	};
}

/** The head after the whole story, who cosigned it, and a proof for the PUT. */
function log({ s, patient, agent1, firstBatch, put, content, net }) {
	const netId = net.netId;
	const size = s.leaves.length;
	const root = M.root(s.leaves);
	const text = N.noteText(netId, size, root);
	const cosigs = [patient, agent1].map((p, i) => ({ p, ...N.cosignature({ netId, signerId: p.id, logSeed: p.log.seed, logPk: p.log.pk, text, timestamp: TIME + 5000 + i }) }));
	for (const c of cosigs) if (!ed25519.verify(c.sig, ascii(c.message), c.p.log.pk)) throw new Error('cosignature');
	const note = N.signedNote(text, cosigs);
	const state = rnd('state digest', 32);
	const hwm = N.highWaterMark({ netId, size, root, lastTime: s.now, frontier: M.frontier(s.leaves), state });
	const items = firstBatch.named.map((x) => x.i);
	const index = items.indexOf(put.i);
	const path = M.inclusion(index, items.map((i) => M.leafHash(i.bytes)));
	const tlvs = [[1, cat(content.stmt, content.sig)], [3, content.hk], [4, net.bytes]];
	const extra = N.proofExtra({ itemIndex: index, entry: firstBatch.e.bytes, item: put.i.bytes, path, priv: put.i.priv, tlvs });
	const logPath = M.inclusion(firstBatch.seq, s.leaves);
	return {
		size, leaves: s.leaves.map(hex), root: hex(root), origin: N.origin(netId), note_text: text, note, frontier: M.frontier(s.leaves).map(hex),
		cosignatures: cosigs.map((c, i) => ({ name: c.name, key_id: hex(c.keyId), log_pk: hex(c.p.log.pk), log_seed: hex(c.p.log.seed), timestamp: TIME + 5000 + i, message: c.message, sig: hex(c.sig), line: c.line })),
		high_water_mark: hex(hwm), hwm_last_time: s.now, hwm_state: hex(state),
		proof: { item_index: index, entry_seq: firstBatch.seq, item_id: hex(put.i.id), path: path.map(hex), log_path: logPath.map(hex), extra: hex(extra), file: N.proofFile(extra, firstBatch.seq, logPath, note) },
	};
}

export function build() {
	return { fixed: fixed(), story: story() };
}
