// Public and private parts of the operations, metadata, cards.
import { ascii, cat, expectLength, i64, padTo, padUnit, u8, u16, u32, u64, zeros } from './bytes.js';
import { edSign, sha256, xchachaPoly } from './prim.js';
import * as H from './hpke.js';

export const info = (name) => ascii(`emrfs/v1/${name}`);
export const labelHash = (label, ...parts) => sha256(ascii(`emrfs/v1/${label}\0`), ...parts);
/** An HPKE letter inside a private part; its AAD is head124 ‖ pub. */
export const letter = (pk, skE, name, aad, pt) => H.seal(pk, skE, info(name), aad, pt);

export function meta(m) {
	const [mime, name, target] = [ascii(m.mime ?? ''), ascii(m.name), ascii(m.target ?? '')];
	const xattrs = Object.entries(m.xattrs ?? {}).map(([k, v]) => cat(u8(ascii(k).length), u16(v.length), ascii(k), v));
	const head = expectLength(cat(u8(m.storedLeaves ? 2 : 1), u8(m.type), u16(m.mode), u32(m.storedLeaves ?? 0), u64(m.n ?? 0), i64(m.mtimeNs), m.parent, m.rPid ?? zeros(32),
		u8(mime.length), u8(name.length), u16(target.length), u16(xattrs.length), u16(0)), 80, 'meta head');
	return padUnit(cat(head, mime, name, target, xattrs), 512);
}
export const metaSeal = (metaKey, nonce, { domain, object, version, epoch, listkeyId }, bytes) =>
	xchachaPoly(metaKey, nonce, cat(domain, object, u64(version), u32(epoch), listkeyId), bytes);

export const putPart = (p) => cat(p.salt, p.rootCid, u64(p.padded), p.record, u64(p.cver), p.capsule, p.wdek, p.listkeyId, p.nonce, p.metaCt);
export const metaPart = (p) => cat(p.salt, p.listkeyId, p.nonce, p.metaCt);

export function keyRegPub(o) {
	const before = cat(u16(o.roles), u8(o.how), zeros(5), o.org, o.x25519, o.B, o.pop, o.logPk, o.ref);
	const noSig = cat(before, u64(o.notAfter));
	const message = cat(ascii('emrfs/v1/bind\0'), o.netId, o.signerId, sha256(noSig));
	const sig = expectLength(o.bind(message), 64, 'bind_sig');
	return { pub: expectLength(cat(before, sig, u64(o.notAfter)), 288, 'KEY_REG pub'), message, sig };
}

export function card(o) {
	const label = ascii(o.label);
	const domainCard = o.kind === 2;
	const body = cat(ascii('EMCD'), u8(1), u8(o.kind), u16(0), o.netId, o.id.pk, o.x25519, o.B, domainCard ? o.domain : zeros(16),
		domainCard ? o.dom.pk : zeros(32), u64(o.issued), u64(o.expires), u8(label.length), label);
	const sigId = edSign(o.id.seed, ascii('emrfs/v1/card\0'), body);
	return domainCard ? cat(body, sigId, edSign(o.dom.seed, ascii('emrfs/v1/card-dom\0'), body)) : cat(body, sigId);
}

export const gctx = (g) => sha256(ascii('emrfs/v1/gctx'), g.domain, g.grant, u32(g.epoch), g.A, g.B, u64(g.notBefore), u64(g.notAfter),
	u64(g.fromTime), u8(g.t), u8(g.n), u16(g.rights), u32(g.purposes));

export function mbox({ k, nonce, head, pub, recipients, body }) {
	const aad = cat(head, pub);
	const kcom = labelHash('mbox', k);
	return cat(u8(recipients.length), zeros(7), kcom, nonce,
		recipients.map((r) => cat(r.rid, expectLength(letter(r.pk, r.skE, 'mbox', cat(aad, r.rid), k), 80, 'mbox letter'))),
		xchachaPoly(k, nonce, aad, body));
}
export function slots(list) {
	let n = 1;
	while (n < list.length) n *= 2;
	const rows = list.map((s) => cat(s.object, u64(s.version), u8(s.kind), zeros(7)));
	return cat(rows, zeros(32 * (n - list.length)));
}
export const fixedLabel = (label, n) => padTo(ascii(label), n);

export function descriptor(d) {
	const name = ascii(d.name);
	return cat(ascii('EMNW'), u8(1), u8(d.orgs.length), u8(d.quorum), u8(0), u64(d.created), d.nonce, u8(name.length), name,
		d.orgs.map((o) => cat(o.org, o.adminPk, u8(ascii(o.name).length), ascii(o.name), u8(ascii(o.msp).length), ascii(o.msp), u16(o.ca.length), o.ca)));
}
export const netIdOf = (bytes) => labelHash('net', bytes).slice(0, 16);
