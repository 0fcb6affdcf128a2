// The operations table of the format as rules: a second contract, written from CONTRACT.md, which shares nothing with the C one.
// A rule throws the result it refuses with. `c` is the item in hand: its fields, rows by c.get(key), and who its signer is.
import { ascii, cat, hex, u8, u16, u32, u64, zeros } from './bytes.js';
import { OP } from './ops.js';
import { ed25519, sha256 } from './prim.js';
import { p256Verify } from './prim.js';
import { verifyPop } from './pre.js';
import { cut, int, isZero, key, NONE, num, over, rehead, Row, row, same } from './rows.js';

export const need = (ok, code) => {
	if (!ok) throw code;
};
const [FORMAT, MAY, CONFLICT, GONE, NOGRANT, OVER, OTHER, PART, LIMIT, EXISTS, FUNDS, RULES, DEAD] = [16, 23, 24, 26, 28, 29, 30, 31, 32, 33, 34, 35, 36];
export const H = (label, ...parts) => sha256(ascii(`emrfs/v1/${label}\0`), ...parts);
const id16 = (hash) => cut(hash, 0, 16);
const tries = (f) => {
	try {
		return f() !== false;
	} catch {
		return false;
	}
};
const edOk = (pk, msg, sig) => tries(() => ed25519.verify(sig, msg, pk, { zip215: false }));
const popOk = (c, B, pop, id) => tries(() => verifyPop(B, pop, c.net, id));
const sealed = (len) => len >= 592 && len <= 80 + 512 * 32 && (len - 80) % 512 === 0;
const none = (len) => len === 0;
const from = (lo, hi) => (len) => len >= lo && len <= hi;

// ---- who ----
const role = (...bits) => (c) => need(c.K && (!bits.length || bits.some((b) => c.K.int(80, 2) & b)), MAY);
const manager = (c) => need(c.manager, MAY);
const inForce = (c) => need(c.keyActive(c.K), DEAD);
const inForceOrOwner = (c) => need(c.owner || c.keyActive(c.K), DEAD);
const isNew = (c) => need(!c.row, EXISTS);
const until = (c, at) => need(c.now < num(c.pub, at, 8), LIMIT);

// ---- keys ----
const bindMsg = (c, at) => cat(ascii('emrfs/v1/bind\0'), c.net, c.signer, sha256(c.pub.slice(0, at), c.pub.slice(at + 64)));
function vouched(c, { how, ref, sig, sigAt, org, roles, notAfter }) {
	const msg = bindMsg(c, sigAt);
	if (how === 1) {
		const cert = c.cert;
		if (!cert || !same(cert.ref, ref) || !same(cert.org, org) || roles & ~cert.roles || (roles ^ cert.roles) & 128 || notAfter > cert.notAfter || !c.isMember(org)) return false;
		if (cert.alg === 1) return cert.key.length === 32 && edOk(cert.key, msg, sig);
		return cert.alg === 2 && tries(() => p256Verify(cert.key.slice(26), msg, sig));
	}
	const e = c.rowOf(key.K(ref));
	return (roles & ~8192) === 128 && !!e && e.raw[82] === 1 && !(e.int(80, 2) & 128) && same(e.at(88, 16), org) && edOk(e.at(48, 32), msg, sig);
}
const rulesOf = (c) => c.rowOf(key.N)?.int(52, 4) ?? 1;
/** The emergency of the grant that the item names, while it counts. */
const emergency = (c) => {
	const e = c.row;
	if (!e || (e.num(120, 8) === 0n ? c.now - e.num(112, 8) > 86400n : c.now >= e.num(120, 8))) return null;
	return e;
};
const endorserActive = (c, ref) => need(c.keyActive(c.rowOf(key.K(ref))), DEAD);
const samePerson = (c, one, two) => {
	const [a, b] = [one, two].map((id) => c.rowOf(key.K(id)));
	return !!a && !!b && same(a.at(280, 32), b.at(280, 32));
};
const ownKey = (c) => need(same(c.object, cut(c.signer, 0, 16)), FORMAT);
const rotateMsg = (c) => cat(ascii('emrfs/v1/rotate\0'), c.net, c.signer, sha256(c.pub.slice(0, 32), c.pub.slice(96)));
const handoverMsg = (c) => cat(ascii('emrfs/v1/rotate\0'), c.net, c.domain, sha256(c.signer, c.prev, c.pub.slice(0, 32), c.pub.slice(160)));
const rotatePart = (len) => len === 0 || (len >= 108 && len <= 1100 && (len - 108) % 32 === 0);
// Is the signer a key of the chain that begins with this one?
const ofChain = (c, root) => !!c.K && same(c.K.at(280, 32), root);
const byCert = (c) => c.row.raw[82] === 1 || (!!c.cert && same(c.cert.ref, cut(c.pub, 0, 32)));
function certRevoked(c) {
	if (!c.cert) return false;
	const name = c.rowOf(key.KE(c.cert.org, c.cert.enrolment));
	return !!c.rowOf(key.KC(c.cert.org, c.cert.ref)) || (!!name && c.cert.notAfter <= name.num(80, 8));
}
// The row that takes the certificate which a device's row names out of use; null where it names none.
const ownCert = (k) => (k.raw[82] === 2 && !isZero(k.at(248, 32)) ? key.KC(k.at(88, 16), k.at(248, 32)) : null);
const keyPart = from(35, 32 + 2 + 65535 + 1 + 255);

const KEYS = {
	[OP.KEY_REG]: {
		dom: 'none', epoch: '0', zero: [3, 5], part: keyPart, row: (c) => key.K(c.signer),
		form: (c) => { need(!(int(c.pub, 0, 2) & ~16383) && (!(int(c.pub, 0, 2) & 8192) || (rulesOf(c) >= 2 && c.pub[2] === 2)) && (c.pub[2] === 1 || c.pub[2] === 2), FORMAT); ownKey(c); },
		may: (c) => need(!(c.pub[2] === 1 && int(c.pub, 0, 2) & 128) && vouched(c, { how: c.pub[2], ref: cut(c.pub, 184, 32), sig: cut(c.pub, 216, 64), sigAt: 216, org: cut(c.pub, 8, 16), roles: int(c.pub, 0, 2), notAfter: num(c.pub, 280, 8) }) && popOk(c, cut(c.pub, 56, 32), cut(c.pub, 88, 64), c.signer), MAY),
		state: isNew,
		last: (c) => { if (c.pub[2] === 2) endorserActive(c, cut(c.pub, 184, 32)); else need(!certRevoked(c), DEAD); },
		write: (c) => c.put(key.K(c.signer), row(OP.KEY_REG, c.head(), c.signerPk, cut(c.pub, 0, 3), zeros(5), cut(c.pub, 8, 80), cut(c.pub, 152, 64), cut(c.pub, 280, 8), u64(0), NONE, c.signer, c.pub[2] === 1 ? c.cert.enrolment : c.rowOf(key.K(cut(c.pub, 184, 32))).at(312, 32))),
	},
	[OP.KEY_CERT]: {
		dom: 'none', epoch: '0', part: keyPart, row: (c) => key.K(c.signer), form: ownKey,
		may: (c) => need(!c.row || ((byCert(c) || samePerson(c, c.row.at(200, 32), cut(c.pub, 0, 32))) && vouched(c, { how: byCert(c) ? 1 : 2, ref: cut(c.pub, 0, 32), sig: cut(c.pub, 32, 64), sigAt: 32, org: c.row.at(88, 16), roles: c.row.int(80, 2), notAfter: num(c.pub, 96, 8) })), MAY),
		last: (c) => { need(c.row?.state === 1, DEAD); need(!(c.cert && same(c.cert.ref, cut(c.pub, 0, 32)) && certRevoked(c)), DEAD); if (c.row.raw[82] === 2 && !(byCert(c) && c.rowOf(key.K(c.row.at(200, 32)))?.state === 2)) endorserActive(c, byCert(c) ? c.row.at(200, 32) : cut(c.pub, 0, 32)); },
		write: (c) => {
			const isDevice = c.row.raw[82] === 2;
			const now = over(over(rehead(c.row, c.head({ epoch: 0, flags: c.row.flags })), isDevice && byCert(c) ? 248 : 200, cut(c.pub, 0, 32)), 232, cut(c.pub, 96, 8));
			c.put(key.K(c.signer), isDevice ? now : over(now, 312, c.cert.enrolment));
		},
	},
	[OP.KEY_ROTATE]: {
		dom: 'none', epoch: '0', part: rotatePart, row: (c) => key.K(c.signer), form: ownKey,
		may: (c) => need(c.row?.raw[82] !== 2 && edOk(cut(c.pub, 0, 32), rotateMsg(c), cut(c.pub, 32, 64)) && popOk(c, cut(c.pub, 128, 32), cut(c.pub, 160, 64), sha256(cut(c.pub, 0, 32))), MAY),
		state: (c) => need(!c.rowOf(key.K(sha256(cut(c.pub, 0, 32)))), EXISTS), last: inForce,
		write: (c) => {
			const next = sha256(cut(c.pub, 0, 32));
			const old = c.row;
			c.put(key.K(c.signer), over(rehead(old, c.head({ state: 2, flags: old.flags })), 248, next));
			let now = rehead(old, c.head());
			for (const [at, b] of [[48, cut(c.pub, 0, 32)], [104, cut(c.pub, 96, 64)], [168, cut(c.pub, 224, 32)]]) now = over(now, at, b);
			c.put(key.K(next), now);
		},
	},
	[OP.KEY_REVOKE]: {
		dom: 'none', epoch: '0', zero: [42, 6], part: none, row: (c) => key.K(cut(c.pub, 0, 32)), form: (c) => need(c.pub[41] < 2 && same(c.object, cut(c.pub, 0, 16)), FORMAT),
		may: (c) => {
			if (c.row) need(!c.pub[41] || ownCert(c.row), MAY);
			if (!c.row || same(cut(c.pub, 0, 32), c.signer)) return;
			const person = c.row.raw[82] === 2 ? c.rowOf(key.K(c.row.at(200, 32))) : c.row.state === 2 ? c.row : null;
			need(c.K && ((person && ofChain(c, person.at(280, 32))) || (c.K.int(80, 2) & 64 && same(c.K.at(88, 16), c.row.at(88, 16)))), MAY);
		},
		state: (c) => need(c.row, GONE),
		last: (c) => { need(c.row.state !== 3, DEAD); if (c.row.state !== 1 || !same(cut(c.pub, 0, 32), c.signer)) inForce(c); },
		write: (c) => {
			c.put(key.K(cut(c.pub, 0, 32)), over(rehead(c.row, c.head({ state: 3, flags: c.row.flags })), 240, cut(c.pub, 32, 8)));
			const kc = c.pub[41] ? ownCert(c.row) : null;
			if (kc && !c.rowOf(kc)) c.put(kc, row(OP.CERT_REVOKE, c.head({ epoch: 0, flags: 0 }), c.signer));
		},
	},
	[OP.CERT_REVOKE]: {
		dom: 'none', epoch: '0', part: none, row: (c) => key.KC(cut(c.pub, 0, 16), cut(c.pub, 16, 32)),
		form: (c) => need(same(c.object, cut(c.pub, 16, 16)), FORMAT),
		may: (c) => { role(64)(c); need(same(c.K.at(88, 16), cut(c.pub, 0, 16)), MAY); }, state: isNew, last: inForce,
		write: (c) => c.put(key.KC(cut(c.pub, 0, 16), cut(c.pub, 16, 32)), row(OP.CERT_REVOKE, c.head(), c.signer)),
	},
	[OP.ENROL_REVOKE]: {
		dom: 'none', epoch: '0', part: none, row: (c) => key.KE(cut(c.pub, 0, 16), cut(c.pub, 16, 32)),
		form: (c) => need(same(c.object, cut(c.pub, 16, 16)), FORMAT),
		may: (c) => { role(64)(c); need(same(c.K.at(88, 16), cut(c.pub, 0, 16)), MAY); }, last: inForce,
		write: (c) => c.put(key.KE(cut(c.pub, 0, 16), cut(c.pub, 16, 32)), row(OP.ENROL_REVOKE, c.head(), c.signer, cut(c.pub, 48, 8))),
	},
	[OP.HOST_KEY]: {
		since: 2, dom: 'none', epoch: '0', part: none, row: (c) => key.by('MH', c.object),
		form: (c) => need(same(c.object, cut(c.pub, 0, 16)) && !isZero(cut(c.pub, 16, 32)), FORMAT),
		may: (c) => { role(64)(c); need(same(c.K.at(88, 16), c.object), MAY); }, last: inForce,
		write: (c) => c.put(key.by('MH', c.object), row(OP.HOST_KEY, c.head(), c.signer, cut(c.pub, 16, 32))),
	},
	[OP.KEY_KX]: {
		dom: 'none', epoch: '0', part: none, row: (c) => key.K(c.signer), form: ownKey, last: inForce,
		write: (c) => c.put(key.K(c.signer), over(rehead(c.row, c.head({ state: c.row.state, flags: c.row.flags })), 104, c.pub)),
	},
};

// ---- organisations ----
const approvals = (n) => (n.raw[48] === 0 ? Math.floor(n.raw[49] / 2) + 1 : Math.min(n.raw[48], n.raw[49]));
// A voice is 56 bytes: the organisation, the version of its M row, the key that spoke.  It stands while nothing was changed about either.
const VOICE = 56;
const FIRST = 200;
const voiceNow = (c) => cat(c.K.at(88, 16), u64(c.rowOf(key.M(c.K.at(88, 16))).version), c.signer);
function stands(c, voice) {
	const [m, k] = [c.rowOf(key.M(cut(voice, 0, 16))), c.rowOf(key.K(cut(voice, 24, 32)))];
	return !!m && m.state === 1 && m.version === num(voice, 16, 8) && !!k && k.state !== 3;
}
const voices = (c, p) => Array.from({ length: p.raw[50] }, (_, i) => p.at(FIRST + VOICE * i, VOICE)).filter((v) => stands(c, v));
const proposer = (p) => p.at(144, VOICE);
// An id is used once, and the authority of a member is the member's to propose.
function mayChange(c, kind, org, by) {
	const m = c.rowOf(key.M(org));
	if (kind === 2) return m?.state === 1;
	return kind !== 1 || !m || (m.state === 1 && same(org, by));
}
function possible(c, p, n) {
	const member = p.raw[48] <= 2 && c.isMember(p.at(64, 16));
	if (!mayChange(c, p.raw[48], p.at(64, 16), p.at(144, 16))) return false;
	return [null, member || n.raw[49] < 255, n.raw[49] > 1, p.raw[49] <= n.raw[49], p.int(80, 4) >= n.int(52, 4), true][p.raw[48]];
}
function effect(c, p, n) {
	const org = p.at(64, 16);
	const netHead = () => ({ state: 1, flags: 0, epoch: 0, version: n.version + 1n, item: c.id });
	const putN = (...changes) => c.put(key.N, changes.reduce((raw, [at, b]) => over(raw, at, b), rehead(n, netHead())));
	const putM = (state, ...body) => {
		const m = c.rowOf(key.M(org));
		c.put(key.M(org), row(OP.ORG_PROPOSE, { state, version: (m?.version ?? 0n) + 1n, item: c.id }, ...(body.length ? body : [m.raw.slice(48)])));
	};
	switch (p.raw[48]) {
	case 1:
		if (!c.isMember(org)) putN([49, u8(n.raw[49] + 1)]);
		putM(1, p.at(80, 64));
		break;
	case 2:
		putN([49, u8(n.raw[49] - 1)]);
		putM(2);
		break;
	case 3:
		putN([48, p.at(49, 1)], [56, p.at(80, 32)]);
		break;
	case 4:
		putN([52, p.at(80, 4)]);
		break;
	default:
	}
}
const inReach = (c, end) => c.now < end && end <= c.now + 366n * 86400n;
const ORGS = {
	[OP.ORG_PROPOSE]: {
		dom: 'none', epoch: '0', zero: [2, 6], row: (c) => key.by('P', c.object),
		part: (len, c) => (c.pub[0] === 1 ? from(37, 32 + 1 + 255 + 2 + 65535 + 2 + 65535)(len) : c.pub[0] === 3 ? from(33, 32 + 65536)(len) : len === 0),
		form: (c) => {
			const k = c.pub[0];
			const [org, subject, aux] = [cut(c.pub, 16, 16), cut(c.pub, 32, 32), cut(c.pub, 64, 32)];
			need(k >= 1 && k <= 5 && isZero(org) === k > 2 && isZero(aux) === (k !== 1) && isZero(subject) === (k === 2) && (k === 3 || !c.pub[1]) && (k !== 4 || isZero(subject.slice(4))), FORMAT);
		},
		may: (c) => { role(64)(c); need(c.pub[0] !== 1 || !c.isMember(cut(c.pub, 16, 16)) || same(c.K.at(88, 16), cut(c.pub, 16, 16)), MAY); },
		state: isNew,
		last: (c) => { inForce(c); need(mayChange(c, c.pub[0], cut(c.pub, 16, 16), c.K.at(88, 16)), RULES); need(inReach(c, num(c.pub, 8, 8)), LIMIT); },
		write: (c) => c.put(key.by('P', c.object), row(OP.ORG_PROPOSE, c.head(), cut(c.pub, 0, 2), zeros(6), cut(c.pub, 8, 88), voiceNow(c))),
	},
	[OP.ORG_APPROVE]: {
		dom: 'none', epoch: '0', part: none, row: (c) => key.in('PA', c.object, c.pub),
		may: (c) => { role(64)(c); need(same(c.K.at(88, 16), c.pub), MAY); },
		placeVersion: () => 1n,
		state: (c) => {
			need(c.approvals <= 16, LIMIT);
			const p = c.rowOf(key.by('P', c.object));
			need(p, GONE);
			need(!voices(c, p).some((v) => same(cut(v, 0, 16), c.pub)), EXISTS);
			need(p.state === 1 && inReach(c, p.num(56, 8)) && stands(c, proposer(p)), GONE);
		},
		last: (c) => {
			inForce(c);
			const [p, n] = [c.rowOf(key.by('P', c.object)), c.rowOf(key.N)];
			need(voices(c, p).length + 1 < approvals(n) || possible(c, p, n), RULES);
		},
		write: (c) => {
			const [p, n] = [c.rowOf(key.by('P', c.object)), c.rowOf(key.N)];
			const all = [...voices(c, p), voiceNow(c)];
			const done = all.length >= approvals(n);
			c.put(key.in('PA', c.object, c.pub), row(OP.ORG_APPROVE, c.head(), c.signer));
			if (done) effect(c, p, n);
			c.put(key.by('P', c.object), cat(over(rehead(p, { state: done ? 2 : 1 }), 50, u8(all.length)).slice(0, FIRST), ...all));
		},
	},
};

// ---- domains, writers ----
const isDomain = (c) => need(same(c.object, c.domain), FORMAT);
const putDomain = (c, epoch, flags, ...body) => {
	c.put(key.D(c.domain), row(OP.DOMAIN_NEW, c.head({ epoch, flags }), ...body));
	c.put(key.E(c.domain, epoch), row(OP.EPOCH, c.head({ epoch }), body[body.length - 1]));
};
const listkeyOf = (c) => id16(H('listkey', c.signer, u32(c.epoch)));
const DOMAINS = {
	[OP.DOMAIN_NEW]: {
		dom: 'free', epoch: '1', flags: 1, part: none, row: (c) => key.D(c.domain), form: isDomain, state: isNew,
		write: (c) => putDomain(c, c.epoch, c.flags, c.signerPk, cut(c.pub, 0, 32), cut(c.pub, 32, 32)),
	},
	[OP.EPOCH]: {
		dom: 'live', epoch: 'next', part: (len) => len === 33 || len === 113, row: (c) => key.D(c.domain), form: isDomain, may: manager, last: inForceOrOwner,
		write: (c) => putDomain(c, c.epoch, c.D.flags, c.D.at(48, 64), c.pub),
	},
	[OP.DOMAIN_ROTATE]: {
		dom: 'live', epoch: 'next', part: none, row: (c) => key.D(c.domain), form: isDomain,
		may: (c) => need((c.owner || c.K) && edOk(c.D.at(48, 32), handoverMsg(c), cut(c.pub, 96, 64)) && edOk(cut(c.pub, 0, 32), handoverMsg(c), cut(c.pub, 32, 64)), MAY), last: inForceOrOwner,
		write: (c) => putDomain(c, c.epoch, c.D.flags, cut(c.pub, 0, 32), cut(c.pub, 160, 32), cut(c.pub, 192, 32)),
	},
	[OP.LISTKEY]: {
		dom: 'live', epoch: 'now', part: (len) => len === 160, row: (c) => key.in('L', c.domain, c.object), form: (c) => need(same(c.object, listkeyOf(c)), FORMAT),
		may: (c) => need(c.manager || c.rights & 1 || c.depositor, MAY),
		last: (c) => { inForceOrOwner(c); need(c.manager || c.version <= 64n, LIMIT); },
		write: (c) => c.put(key.in('L', c.domain, c.object), row(OP.LISTKEY, c.head({ epoch: c.epoch }), c.signer)),
	},
	[OP.WRITER_ADD]: {
		dom: 'live', epoch: '0', zero: [34, 6], part: sealed, row: (c) => key.in('W', c.domain, c.object),
		form: (c) => need(same(c.object, cut(c.pub, 0, 16)) && (int(c.pub, 32, 2) !== 0 || rulesOf(c) >= 2) && !(int(c.pub, 32, 2) & ~(rulesOf(c) >= 2 && !(int(c.pub, 32, 2) & 8) ? 63 : 31)), FORMAT),
		may: (c) => { manager(c); need(c.owner || !(int(c.pub, 32, 2) & 8) || num(c.pub, 40, 8) <= c.W.num(88, 8), MAY); },
		state: (c) => need(!c.row || same(c.row.at(48, 32), cut(c.pub, 0, 32)), EXISTS),
		last: (c) => { inForceOrOwner(c); const w = c.rowOf(key.K(cut(c.pub, 0, 32))); need(c.keyActive(w), DEAD); need(!!(w.int(80, 2) & 8192) === (int(c.pub, 32, 2) === 0), MAY); until(c, 40); },
		write: (c) => {
			c.put(key.in('W', c.domain, c.object), row(OP.WRITER_ADD, c.head(), c.pub));
			c.put(key.gx(cut(c.pub, 0, 32), c.domain, c.object), zeros(0));
		},
	},
	[OP.WRITER_DEL]: {
		dom: 'live', epoch: '0', part: none, row: (c) => key.in('W', c.domain, c.object), may: (c) => need(c.manager || (c.row && (same(c.row.at(48, 32), c.signer) || (c.rights & 32 && c.row.int(80, 2) !== 0 && !(c.row.int(80, 2) & 40)))), MAY),
		state: (c) => need(c.row?.state === 1, GONE), last: inForceOrOwner,
		write: (c) => c.put(key.in('W', c.domain, c.object), rehead(c.row, c.head({ state: 2, flags: c.row.flags }))),
	},
};

// ---- objects ----
const fits = (fixed) => (len) => len >= fixed + 528 && len <= fixed + 16 + 512 * 32 && (len - fixed - 16) % 512 === 0;
const reach = (c, right) => (c.rights & right) !== 0 && (!c.row || (c.rights & 16) !== 0 || same(c.row.at(48, 32), c.signer));
const isRoot = (c) => same(c.object, c.domain);
const listed = (c) => { inForceOrOwner(c); need(c.rowOf(key.in('L', c.domain, listkeyOf(c))), DEAD); };
const hasNoContent = (c) => need(c.row?.state !== 3, GONE) ?? need(!(c.row && c.row.flags & 1), EXISTS);
const putO = (c, head, tail) => c.put(key.in('O', c.domain, c.object), row(OP.PUT, c.head(head), c.row ? c.row.at(48, 32) : c.signer, tail));
const hasContent = (c) => c.row && !(c.row.flags & 1);
const stillThere = (c) => need(!isRoot(c) || c.manager || c.row?.state !== 2, GONE);
const content = (may) => ({
	dom: 'live', epoch: 'now', flags: 6, part: fits(300), row: (c) => key.in('O', c.domain, c.object), may, state: (c) => { hasNoContent(c); stillThere(c); }, last: listed,
	write: (c) => putO(c, { epoch: c.epoch }, cat(u64(c.version), c.id)),
});
const OBJECTS = {
	[OP.PUT]: content((c) => need(c.manager || (isRoot(c) ? hasContent(c) && reach(c, 1) : reach(c, 1) || (c.depositor && !c.row)), MAY)),
	[OP.REWRAP]: content(manager),
	[OP.META]: {
		dom: 'live', epoch: 'now', flags: 5, part: fits(88), row: (c) => key.in('O', c.domain, c.object), may: (c) => need(c.manager || (!isRoot(c) && reach(c, c.row ? 2 : 4)), MAY),
		state: (c) => {
			need(c.row ? c.row.state === 1 || (c.row.state === 2 && c.manager) : c.flags & 1, GONE);
			need(!c.row || !(c.flags & 1) || c.row.flags & 1, EXISTS);
		},
		last: listed,
		write: (c) => {
			const flags = c.row ? c.row.flags : 1;
			putO(c, { flags, epoch: flags & 1 ? c.epoch : c.row.epoch }, c.row ? c.row.at(80, 40) : zeros(40));
		},
	},
	[OP.UNLINK]: {
		dom: 'live', epoch: 'now', part: none, row: (c) => key.in('O', c.domain, c.object), may: (c) => need(c.manager || (!isRoot(c) && reach(c, 2)), MAY), state: (c) => need(c.row?.state === 1, GONE), last: inForceOrOwner,
		write: (c) => putO(c, { state: 2, flags: c.row.flags, epoch: c.row.epoch }, c.row.at(80, 40)),
	},
};

// ---- grants ----
const grantRow = (c) => key.in('G', c.domain, c.object);
const agents = (c) => c.pub[63];
const signedRow = (letters, fam) => (c) => c.put(key.in(letters, c.domain, c.object), row(fam, c.head(), c.signer));
const GRANTS = {
	[OP.GRANT]: {
		dom: 'live', epoch: 'now', row: grantRow, part: (len, c) => { const rest = len - 210 - 32 * agents(c); return rest >= 512 && rest <= 512 * 32 && rest % 512 === 0; },
		form: (c) => {
			const [t, n, rights, purposes] = [c.pub[62], c.pub[63], int(c.pub, 60, 2), int(c.pub, 56, 4)];
			need((rights & 3) !== 0 && (rights & ~((n > 0 ? 11 : 3) | (n > 0 && purposes === 16 && rulesOf(c) >= 2 ? 4 : 0) | ((rights & 7) === 3 && rulesOf(c) >= 2 ? 32 : 0))) === 0 && purposes >= 1 && purposes <= 511 && num(c.pub, 32, 8) < num(c.pub, 40, 8) && t <= n && (t === 0) === (n === 0) && !isZero(cut(c.pub, 0, 32)), FORMAT);
		},
		may: manager, state: (c) => need(!c.row || same(c.row.at(48, 32), cut(c.pub, 0, 32)), EXISTS),
		last: (c) => { need(c.row?.state !== 2 && c.now < num(c.pub, 40, 8), OVER); inForceOrOwner(c); need(agents(c) <= 16, LIMIT); },
		write: (c) => {
			c.put(grantRow(c), row(OP.GRANT, c.head({ epoch: c.epoch }), c.pub, c.row ? c.row.at(112, 40) : zeros(40)));
			c.put(key.gx(cut(c.pub, 0, 32), c.domain, c.object), zeros(0));
		},
	},
	[OP.REVOKE]: {
		dom: 'live', epoch: '0', zero: [1, 7], part: none, row: grantRow, may: (c) => need(c.manager || (c.rights & 32 && c.pub[0] === 0 && !(c.row && c.row.int(108, 2) & 36)), MAY), last: (c) => { need(c.row, NOGRANT); need(c.row.state === 1, OVER); inForceOrOwner(c); },
		write: (c) => {
			c.put(grantRow(c), rehead(c.row, { state: 2, version: c.version, item: c.id }));
			if (c.row.num(112, 8)) c.purge(OP.KFRAGS, 1n, c.row.num(112, 8));
		},
	},
	[OP.KFRAGS]: {
		dom: 'live', epoch: 'now', row: grantRow, part: (len, c) => len >= 280 && len <= 72 + 208 * 16 && (len - 72) % 208 === 0 && (!c.row || len === 72 + 208 * c.row.raw[111]),
		chain: (r) => ({ version: r.num(112, 8), item: r.at(120, 32) }), may: (c) => need(c.owner, MAY),
		last: (c) => { need(c.row, NOGRANT); need(c.row.state === 1 && c.now < c.row.num(88, 8), OVER); need(c.version <= 256n, LIMIT); },
		write: (c) => c.put(grantRow(c), over(c.row.raw, 112, cat(u64(c.version), c.id))),
	},
	[OP.LETTER]: { dom: 'live', epoch: '0', part: from(758, 65536), row: (c) => key.in('H', c.domain, c.object), may: manager, state: isNew, last: inForceOrOwner, write: signedRow('H', OP.LETTER) },
	[OP.AGENT_ACK]: {
		dom: 'live', epoch: '0', zero: [33, 7], part: (len, c) => (c.pub[32] === 4 ? len > 32 && len <= 65536 : len === 0), row: (c) => key.in('Y', c.domain, c.object),
		form: (c) => need(c.pub[32] >= 1 && c.pub[32] <= 4 && same(c.object, id16(H('ack', cut(c.pub, 0, 33), c.signer))), FORMAT),
		may: role(32, 256), state: isNew, last: inForce, write: signedRow('Y', OP.AGENT_ACK),
	},
};

// ---- requests ----
const requestRow = (c) => key.in('Q', c.domain, c.object);
const isOpen = (c) => need(c.row?.state === 1, GONE);
const named = (c) => !isZero(c.domain);
const ends = (state) => (c) => c.put(requestRow(c), rehead(c.row, c.head({ state })));
const REQUESTS = {
	[OP.REQUEST]: {
		dom: 'either', epoch: '0', part: sealed, row: requestRow, form: (c) => need(!isZero(c.pub) && same(c.object, id16(H('request', c.pub, c.signer))), FORMAT), may: role(), state: isNew, last: inForce,
		write: (c) => c.put(requestRow(c), row(OP.REQUEST, c.head(), c.signer, c.pub, zeros(16))),
	},
	[OP.APPROVE]: {
		dom: 'either', epoch: '0', part: none, row: requestRow,
		may: (c) => need(c.manages(cut(c.pub, 0, 16)) && (!named(c) || c.manager), MAY), state: isOpen,
		last: (c) => {
			const g = c.rowOf(key.in('G', cut(c.pub, 0, 16), cut(c.pub, 16, 16)));
			need(g, NOGRANT);
			need(g.state === 1 && c.now < g.num(88, 8), OVER);
			if (named(c)) inForceOrOwner(c);
			if (!same(c.rowOf(key.D(cut(c.pub, 0, 16))).at(48, 32), c.signerPk)) inForce(c);
		},
		write: (c) => c.put(requestRow(c), over(rehead(c.row, c.head({ state: 2 })), 112, cut(c.pub, 16, 16))),
	},
	[OP.DENY]: {
		dom: 'either', epoch: '0', part: from(80, 80 + 16384), row: requestRow,
		may: (c) => (named(c) ? manager(c) : need(!c.row || same(c.row.at(80, 32), H('to', c.pub, c.signer)), MAY)),
		state: isOpen, last: (c) => (named(c) ? inForceOrOwner(c) : inForce(c)), write: ends(3),
	},
	[OP.WITHDRAW]: { dom: 'either', epoch: '0', part: none, row: requestRow, may: (c) => need(!c.row || same(c.row.at(48, 32), c.signer), MAY), state: isOpen, last: inForce, write: ends(4) },
};

// ---- releases ----
const alive = (c, g) => need(g.state === 1 && c.now >= g.num(80, 8) && c.now < g.num(88, 8), OVER);
function grantee(c, g, via, mayBeOver) {
	need(c.K, OTHER);
	const root = c.K.at(280, 32);
	if (isZero(via)) return need(same(g.at(48, 32), root), OTHER);
	need(same(g.at(48, 32), H('dataset', via)), OTHER);
	const m = c.rowOf(key.by('DM', id16(H('member', via, root))));
	return need(m && same(m.at(48, 16), via) && same(m.at(64, 32), root) && (mayBeOver || (m.state === 1 && c.now < m.num(96, 8))), OTHER);
}
const grantNamed = (c) => {
	const g = c.rowOf(key.in('G', c.domain, cut(c.pub, 0, 16)));
	need(g, NOGRANT);
	return g;
};
const slots = (n) => 2 ** Math.ceil(Math.log2(n));
const request = (c) => {
	const r = c.rowOf(key.in('R', c.domain, cut(c.pub, 32, 16)));
	return r && same(r.item, cut(c.pub, 0, 32)) ? r : null;
};
const ACCESS = {
	[OP.ACCESS_REQ]: {
		dom: 'live', epoch: '0', zero: [36, 4], row: (c) => key.in('R', c.domain, c.object), form: (c) => need(int(c.pub, 32, 2) > 0 && int(c.pub, 34, 2) <= int(c.pub, 32, 2), FORMAT), may: role(), state: isNew,
		part: (len, c) => { const rest = len - 152 - 32 * slots(int(c.pub, 32, 2)); return len <= 152 + 112 * 32 + 32 * 1024 && rest >= 112 && rest <= 112 * 32 && rest % 112 === 0; },
		last: (c) => {
			const g = grantNamed(c);
			alive(c, g);
			if (g.int(108, 2) & 4) {
				const e = c.rowOf(key.in('EM', c.domain, cut(c.pub, 0, 16)));
				need(!!e && c.now < e.num(120, 8) && !!c.K && [48, 80].some((at) => same(e.at(at, 32), c.K.at(280, 32))), OVER);
			}
			grantee(c, g, cut(c.pub, 16, 16), false);
			inForce(c);
			need(int(c.pub, 32, 2) <= 1024, LIMIT);
		},
		write: (c) => c.put(key.in('R', c.domain, c.object), row(OP.ACCESS_REQ, c.head(), c.signer, cut(c.pub, 0, 16), u64(c.time))),
	},
	[OP.EMERGENCY]: {
		since: 2, dom: 'live', epoch: '0', part: (len) => len === 592, row: (c) => key.in('EM', c.domain, c.object), may: role(2),
		form: (c) => { const g = id16(H('emergency', cut(c.pub, 32, 16), cut(c.pub, 16, 16), c.domain, cut(c.pub, 48, 1))); need(c.pub[48] >= 1 && c.pub[48] <= 24 && same(g, cut(c.pub, 0, 16)) && same(g, c.object), FORMAT); },
		state: (c) => need(!(emergency(c)?.num(120, 8) > 0n), EXISTS),
		last: (c) => {
			const g = grantNamed(c);
			alive(c, g);
			need(g.int(108, 2) & 4, NOGRANT);
			grantee(c, g, cut(c.pub, 16, 16), false);
			inForce(c);
		},
		write: (c) => {
			const [e, root, account] = [emergency(c), c.K.at(280, 32), c.K.at(312, 32)];
			const isFirst = !!e && (same(e.at(48, 32), root) || same(e.at(128, 32), account));
			const body = !e ? cat(root, zeros(32), u64(c.now), u64(0n), account) : isFirst ? cat(e.at(48, 32), zeros(32), u64(e.num(112, 8)), u64(0n), e.at(128, 32)) : cat(e.at(48, 32), root, u64(e.num(112, 8)), u64(c.now + 3600n * BigInt(c.pub[48])), e.at(128, 32));
			c.put(key.in('EM', c.domain, c.object), row(OP.EMERGENCY, c.head(), body));
		},
	},
	[OP.ACCESS_SERVED]: {
		dom: 'live', epoch: '0', zero: [52, 4], row: (c) => key.in('S', c.domain, c.object),
		part: (len, c) => (len === 0 ? c.pub[48] === 3 : len >= 672 && len <= 160 + 512 * 512 && (len - 160) % 512 === 0),
		form: (c) => {
			const [mode, reason, count] = [c.pub[48], c.pub[49], int(c.pub, 50, 2)];
			need(mode >= 1 && mode <= 3 && (mode === 3 ? reason > 0 && count === 0 : reason === 0) && same(c.object, id16(H('served', cut(c.pub, 0, 32), c.signer))), FORMAT);
		},
		may: (c) => {
			const agent = c.K && c.K.int(80, 2) & 32;
			need([null, agent, c.manager, agent || c.manager][c.pub[48]], MAY);
		},
		state: (c) => { isNew(c); const r = request(c); need(r && c.now <= r.num(96, 8) + 86400n, GONE); },
		last: (c) => {
			if (c.pub[48] !== 3) {
				const g = c.rowOf(key.in('G', c.domain, request(c).at(80, 16)));
				need(g, NOGRANT);
				alive(c, g);
			}
			inForceOrOwner(c);
			need(int(c.pub, 50, 2) <= 1024, LIMIT);
		},
		write: signedRow('S', OP.ACCESS_SERVED),
	},
	[OP.READ_REPORT]: {
		dom: 'live', epoch: '0', part: (len) => len >= 154 && len <= 82 + 72 * 1024 && (len - 82) % 72 === 0, row: (c) => key.in('X', c.domain, c.object), may: role(), state: isNew,
		last: (c) => { grantee(c, grantNamed(c), cut(c.pub, 16, 16), true); inForce(c); }, write: signedRow('X', OP.READ_REPORT),
	},
};

// ---- points ----
const isFund = (account) => isZero(cut(account, 0, 16));
const fundOf = (dataset) => cat(zeros(16), dataset);
const accountKey = (account) => `A/${hex(account)}`;
const pointsOf = (c, account) => c.rowOf(accountKey(account))?.num(48, 8) ?? 0n;
const isPerson = (c, account) => { const k = isFund(account) ? null : c.rowOf(key.K(account)); return !!k && same(k.at(280, 32), account); };
const MOST = (1n << 64n) - 1n;
const hasRoom = (c, account, amount) => pointsOf(c, account) + amount <= MOST;
const canPay = (c, from, to, amount) => pointsOf(c, from) >= amount && hasRoom(c, to, amount);
/** The head of an account is that of its last TRANSFER. */
const setPoints = (c, account, points, head) => {
	const old = c.rowOf(accountKey(account));
	c.put(accountKey(account), row(OP.MINT, head ?? (old ? { state: 1, flags: 0, epoch: 0, version: old.version, item: old.item } : { state: 1, flags: 0, epoch: 0, version: 0n, item: NONE }), u64(points)));
};
const pay = (c, from, to, amount, head) => { setPoints(c, from, pointsOf(c, from) - amount, head); setPoints(c, to, pointsOf(c, to) + amount); };
const takesDomains = (c, d) => d && d.state === 1 && c.now < d.num(120, 8);
const datasetOf = (c, account) => c.rowOf(key.by('DS', cut(account, 16, 16)));
const transfer = (c) => ({ from: cut(c.pub, 0, 32), to: cut(c.pub, 32, 32), amount: num(c.pub, 64, 8) });
const POINTS = {
	[OP.MINT]: {
		dom: 'none', epoch: '0', part: none, row: () => null, fresh: true, may: role(64),
		form: (c) => need(num(c.pub, 48, 8) && !isZero(cut(c.pub, 16, 32)) && same(c.object, cut(c.pub, 0, 16)), FORMAT),
		state: (c) => { const p = c.rowOf(key.by('P', c.object)); need(p && p.state !== 1, GONE); need(p.state !== 3, EXISTS); },
		last: (c) => {
			need(isPerson(c, cut(c.pub, 16, 32)), OTHER);
			inForce(c);
			const p = c.rowOf(key.by('P', c.object));
			need(p.raw[48] === 5 && same(p.at(80, 32), sha256(cut(c.pub, 16, 40))) && hasRoom(c, cut(c.pub, 16, 32), num(c.pub, 48, 8)), FUNDS);
		},
		write: (c) => {
			c.put(key.by('P', c.object), rehead(c.rowOf(key.by('P', c.object)), { state: 3 }));
			setPoints(c, cut(c.pub, 16, 32), pointsOf(c, cut(c.pub, 16, 32)) + num(c.pub, 48, 8));
		},
	},
	[OP.TRANSFER]: {
		dom: 'none', epoch: '0', part: none, row: (c) => accountKey(cut(c.pub, 0, 32)),
		form: (c) => { const t = transfer(c); need(t.amount && !isZero(t.from) && !isZero(t.to) && !same(t.from, t.to), FORMAT); },
		may: (c) => {
			const { from: payer } = transfer(c);
			const d = datasetOf(c, payer);
			need(isFund(payer) ? d && ofChain(c, d.at(48, 32)) : c.K && same(c.K.at(280, 32), payer), MAY);
		},
		last: (c) => {
			const { from: payer, to, amount } = transfer(c);
			const d = datasetOf(c, to);
			if (isFund(to)) need(takesDomains(c, d), GONE);
			else need(isPerson(c, to), OTHER);
			inForce(c);
			need(!isFund(to) || d.num(112, 8) > 0n, FUNDS);
			need(canPay(c, payer, to, amount) && !(isFund(payer) && takesDomains(c, datasetOf(c, payer))), FUNDS);
		},
		write: (c) => { const t = transfer(c); pay(c, t.from, t.to, t.amount, c.head()); },
	},
};

// ---- teams and datasets, trustees ----
const priceOf = (c) => (c.row ? 0n : c.rowOf(key.by('DS', c.object)).num(112, 8));
const paid = (c) => cut(c.pub, 16, 32);
const trusteesOf = (c) => c.rowOf(key.by('TR', cut(c.pub, 0, 16)));
const personOf = (c) => c.rowOf(key.K(trusteesOf(c).at(48, 32)));
const askedOf = (c) => c.rowOf(key.by('RQ', c.pub));
const joinRow = (c) => key.in('J', c.domain, c.object);
const TEAMS = {
	[OP.DATASET_NEW]: {
		dom: 'none', epoch: '0', zero: [116, 4], part: from(33, 32 + 131072), row: (c) => key.by('DS', c.object), form: (c) => need(int(c.pub, 112, 4) >= 1 && int(c.pub, 112, 4) <= 511, FORMAT),
		may: (c) => { role(8, 4, 64)(c); need(popOk(c, cut(c.pub, 0, 32), cut(c.pub, 32, 64), c.signer), MAY); },
		state: isNew, last: (c) => { inForce(c); until(c, 104); },
		write: (c) => c.put(key.by('DS', c.object), row(OP.DATASET_NEW, c.head(), c.K.at(280, 32), cut(c.pub, 0, 32), cut(c.pub, 96, 56))),
	},
	[OP.DATASET_CLOSE]: {
		dom: 'none', epoch: '0', part: none, row: (c) => key.by('DS', c.object), may: (c) => need(!c.row || ofChain(c, c.row.at(48, 32)), MAY), state: isOpen, last: inForce,
		write: (c) => c.put(key.by('DS', c.object), rehead(c.row, { state: 2, version: c.version, item: c.id })),
	},
	[OP.DATASET_ADMIT]: {
		dom: 'none', epoch: '0', zero: [56, 8], part: (len) => len === 112, row: (c) => key.by('DM', c.object), form: (c) => need(same(c.object, id16(H('member', cut(c.pub, 0, 48)))), FORMAT),
		may: (c) => { const d = c.rowOf(key.by('DS', cut(c.pub, 0, 16))); need(!d || ofChain(c, d.at(48, 32)), MAY); },
		state: (c) => need(c.rowOf(key.by('DS', cut(c.pub, 0, 16)))?.state === 1, GONE),
		last: (c) => {
			const m = c.rowOf(key.K(cut(c.pub, 16, 32)));
			need(!m || same(m.at(280, 32), cut(c.pub, 16, 32)), OTHER);
			need(m && (m.state === 2 || c.keyActive(m)), DEAD);
			inForce(c);
			until(c, 48);
		},
		write: (c) => c.put(key.by('DM', c.object), row(OP.DATASET_ADMIT, c.head(), cut(c.pub, 0, 56))),
	},
	[OP.DATASET_DROP]: {
		dom: 'none', epoch: '0', part: none, row: (c) => key.by('DM', c.object),
		may: (c) => {
			if (!c.row || (c.K && same(c.K.at(280, 32), c.row.at(64, 32)))) return;
			const d = c.rowOf(key.by('DS', c.row.at(48, 16)));
			need(d && ofChain(c, d.at(48, 32)), MAY);
		},
		state: isOpen, last: inForce, write: (c) => c.put(key.by('DM', c.object), rehead(c.row, c.head({ state: 2, flags: c.row.flags }))),
	},
	[OP.DATASET_JOIN]: {
		dom: 'live', epoch: '0', part: none, row: joinRow, may: (c) => { manager(c); need(c.owner || isZero(paid(c)), MAY); },
		state: (c) => {
			need(c.row?.state !== 1, EXISTS);
			const d = c.rowOf(key.by('DS', c.object));
			need(d && d.state === 1 && c.now < d.num(120, 8), GONE);
		},
		last: (c) => {
			const g = c.rowOf(key.in('G', c.domain, cut(c.pub, 0, 16)));
			need(g, NOGRANT);
			need(g.state === 1 && c.now < g.num(88, 8), OVER);
			need(same(g.at(48, 32), H('dataset', c.object)), OTHER);
			need(isZero(paid(c)) || isPerson(c, paid(c)), OTHER);
			inForceOrOwner(c);
			const price = priceOf(c);
			need(isZero(paid(c)) === !price && (!price || canPay(c, fundOf(c.object), paid(c), price)), FUNDS);
		},
		write: (c) => {
			const price = priceOf(c);
			c.put(joinRow(c), row(OP.DATASET_JOIN, c.head(), cut(c.pub, 0, 16)));
			if (price) pay(c, fundOf(c.object), paid(c), price);
		},
	},
	[OP.DATASET_LEAVE]: {
		dom: 'live', epoch: '0', part: none, row: joinRow, may: manager, state: isOpen, last: inForceOrOwner,
		write: (c) => {
			const grant = c.row.at(48, 16);
			c.put(joinRow(c), row(OP.DATASET_JOIN, c.head({ state: 2 }), grant));
			const g = c.rowOf(key.in('G', c.domain, grant));
			if (g?.state !== 1) return;
			const version = g.version + 1n;
			c.put(key.in('G', c.domain, grant), rehead(g, { state: 2, version, item: c.id }));
			if (g.num(112, 8)) c.purge(OP.KFRAGS, 1n, g.num(112, 8), grant);
			c.putPlace(OP.GRANT, grant, version);
		},
	},
	[OP.DATASET_SNAPSHOT]: {
		dom: 'none', epoch: '0', zero: [28, 4], part: none, row: (c) => key.by('SN', c.object), form: (c) => need(num(c.pub, 16, 8) && int(c.pub, 24, 4), FORMAT),
		may: (c) => { const d = c.rowOf(key.by('DS', cut(c.pub, 0, 16))); need(!d || ofChain(c, d.at(48, 32)), MAY); },
		state: (c) => { isNew(c); need(c.rowOf(key.by('DS', cut(c.pub, 0, 16))), GONE); }, last: inForce,
		write: (c) => c.put(key.by('SN', c.object), row(OP.DATASET_SNAPSHOT, c.head(), cut(c.pub, 32, 32))),
	},
	[OP.TRUSTEE_SET]: {
		dom: 'none', epoch: '0', row: (c) => key.by('TR', c.object), part: (len, c) => len === 32 + 32 * (c.pub[0] + c.pub[2]) + 113 * (c.pub[1] + c.pub[3]) + 72,
		form: (c) => { const [t, n, s, a] = c.pub; need(t >= 1 && t <= n && n <= 16 && s <= a && a <= 16 && !s === !a && int(c.pub, 4, 4) >= 86400, FORMAT); },
		may: (c) => need(c.K && c.K.raw[82] === 1 && !(c.K.int(80, 2) & 128), MAY), state: isNew, last: inForce,
		write: (c) => c.put(key.by('TR', c.object), row(OP.TRUSTEE_SET, c.head(), c.signer, c.pub)),
	},
	[OP.RECOVER_REQ]: {
		since: 2, dom: 'none', epoch: '0', part: none, row: (c) => key.by('RQ', c.object),
		form: (c) => need(!isZero(cut(c.pub, 16, 32)), FORMAT), may: role(), state: (c) => { isNew(c); need(trusteesOf(c), GONE); },
		last: (c) => { need(personOf(c)?.state === 1, DEAD); inForce(c); },
		write: (c) => c.put(key.by('RQ', c.object), row(OP.RECOVER_REQ, c.head(), c.signer, cut(c.pub, 0, 16), trusteesOf(c).at(48, 32), cut(c.pub, 16, 32), u64(c.now + trusteesOf(c).num(84, 4)))),
	},
	[OP.RECOVER_CANCEL]: {
		since: 2, dom: 'none', epoch: '0', part: none, row: (c) => key.by('RQ', c.object),
		may: (c) => {
			if (!c.row) return;
			const person = c.rowOf(key.K(c.pub));
			need(person && c.K && same(person.at(280, 32), c.rowOf(key.K(c.row.at(96, 32))).at(280, 32)), MAY);
			need(same(c.pub, c.signer) || (c.K.raw[82] === 2 && same(c.K.at(200, 32), c.pub)), MAY);
		},
		state: isOpen, last: inForce, write: (c) => c.put(key.by('RQ', c.object), rehead(c.row, c.head({ state: 2, flags: c.row.flags }))),
	},
	[OP.RECOVER_SHARE]: {
		since: 2, dom: 'none', epoch: '0', row: (c) => key.by('RS', c.object), part: (len) => len === 113,
		form: (c) => need(same(c.object, id16(H('recovery', c.pub, c.signer))), FORMAT), may: role(32),
		state: (c) => { isNew(c); need(askedOf(c)?.state === 1, GONE); }, last: (c) => { need(c.now >= askedOf(c).num(160, 8), LIMIT); need(c.rowOf(key.K(askedOf(c).at(96, 32)))?.state === 1, DEAD); inForce(c); },
		write: (c) => c.put(key.by('RS', c.object), row(OP.RECOVER_SHARE, c.head(), c.pub)),
	},
};

// ---- parts ----
/** family -> [key of its row, offset of whom it names, needs a domain] */
const inDomain = (l, named = 0) => [(c) => key.in(l, c.domain, c.object), named, true];
const byObject = (l, named = 0) => [(c) => key.by(l, c.object), named, false];
const FAMILIES = {
	[OP.KEY_REG]: [(c) => key.K(c.signer), -1, false], [OP.DOMAIN_NEW]: [(c) => key.D(c.domain), 0, true], [OP.WRITER_ADD]: inDomain('W'), [OP.LISTKEY]: inDomain('L'),
	[OP.PUT]: inDomain('O'), [OP.GRANT]: inDomain('G'), [OP.KFRAGS]: inDomain('G'), [OP.LETTER]: inDomain('H', 48),
	[OP.AGENT_ACK]: inDomain('Y', 48), [OP.REQUEST]: inDomain('Q', 48), [OP.ACCESS_REQ]: inDomain('R', 48), [OP.ACCESS_SERVED]: inDomain('S', 48),
	[OP.READ_REPORT]: inDomain('X', 48), [OP.EMERGENCY]: inDomain('EM'), [OP.ORG_PROPOSE]: byObject('P'), [OP.DATASET_NEW]: byObject('DS'), [OP.DATASET_ADMIT]: byObject('DM', 64),
	[OP.TRUSTEE_SET]: byObject('TR', 48), [OP.RECOVER_REQ]: byObject('RQ', 48),
};
const PARTS = {
	[OP.ERASE]: {
		dom: 'either', epoch: '0', zero: [1, 7], part: none, row: (c) => FAMILIES[c.pub[0]]?.[0](c) ?? null, unchained: (c) => c.pub[0] !== OP.PUT,
		form: (c) => {
			const f = FAMILIES[c.pub[0]];
			const [lo, hi] = [num(c.pub, 8, 8), num(c.pub, 16, 8)];
			need(f && lo > 0n && hi >= lo && (f[2] || !named(c)) && (!f[2] || named(c) || c.pub[0] === OP.REQUEST), FORMAT);
			if (c.pub[0] === OP.KEY_REG) ownKey(c);
			if (c.pub[0] === OP.DOMAIN_NEW) isDomain(c);
		},
		may: (c) => {
			const at = FAMILIES[c.pub[0]][1];
			const names = c.row && ((at < 0 && c.row.int(82, 1) !== 1 && isZero(c.row.at(248, 32))) || (at > 0 && same(c.row.at(at, 32), c.signer)));
			need(c.pub[0] === OP.PUT ? c.manager : (!c.row && !c.D) || c.owner || names, MAY);
		},
		state: (c) => need(c.row && !(c.pub[0] === OP.PUT && c.row.state === 3), GONE),
		last: (c) => {
			inForceOrOwner(c);
			const [lo, hi] = [num(c.pub, 8, 8), num(c.pub, 16, 8)];
			need(hi - lo < 256n && (c.pub[0] !== OP.PUT || hi <= c.row.version), LIMIT);
		},
		write: (c) => {
			const [lo, hi] = [num(c.pub, 8, 8), num(c.pub, 16, 8)];
			if (c.pub[0] === OP.PUT) c.put(key.in('O', c.domain, c.object), rehead(c.row, { state: hi === c.row.version ? 3 : c.row.state, version: c.version, item: c.id }));
			c.purge(c.pub[0], lo, hi);
		},
		place: (c) => c.pub[0],
	},
	[OP.RESTORE_PART]: {
		dom: 'either', epoch: '0', zero: [1, 7], part: from(33, 4 << 20), row: () => null, form: (c) => need(FAMILIES[c.pub[0]], FORMAT), may: role(),
		last: (c) => { inForce(c); need(c.expects(key.place('p', c.pub[0], c.domain, c.object, num(c.pub, 8, 8))), PART); },
		write: (c) => c.putPart(c.pub[0], num(c.pub, 8, 8)), place: () => null,
	},
};

export const RULES_OF = { ...KEYS, ...ORGS, ...DOMAINS, ...OBJECTS, ...GRANTS, ...REQUESTS, ...ACCESS, ...TEAMS, ...POINTS, ...PARTS };
export { CONFLICT, FORMAT, MAY, PART, Row, u16 };
