// The ledger's bytes: items, batches, entries, network descriptor.
import { ascii, cat, expectLength, u8, u16, u32, u64, zeros } from './bytes.js';
import { edSign, sha256 } from './prim.js';
import { leafHash, root } from './merkle.js';

export const privHash = (priv) => (priv.length ? sha256(ascii('emrfs/v1/priv'), priv) : zeros(32));

/** o.priv may be bytes or a function of (head124, pub), because letters inside it are bound to those. */
export function item(o) {
	const pub = o.pub ?? zeros(0);
	const head124 = expectLength(cat(ascii('EMTX'), u8(1), u8(o.op), u16(o.flags ?? 0), o.domain, o.object, u64(o.version),
		o.prev ?? zeros(32), o.signerId, u64(o.time), u32(o.epoch)), 124, 'head124');
	const priv = typeof o.priv === 'function' ? o.priv(head124, pub) : (o.priv ?? zeros(0));
	const head = expectLength(cat(head124, u32(priv.length), privHash(priv)), 160, 'item');
	const bytes = cat(head, pub);
	return { ...o, flags: o.flags ?? 0, prev: o.prev ?? zeros(32), pub, priv, head, bytes, head124, id: sha256(bytes) };
}

export function batch(o) {
	const seen = o.seen ?? { seq: 0, leaf: zeros(32) };
	const items = o.items;
	const tree = root(items.map((i) => leafHash(i.bytes)));
	const unsigned = expectLength(cat(ascii('EMTB'), u8(1), u8(0), u16(items.length), o.signerPk, o.netId, u64(o.time),
		u64(o.validUntil), u64(seen.seq), seen.leaf, tree), 144, 'header');
	const sig = edSign(o.signSeed, ascii('emrfs/v1/batch\0'), unsigned);
	const header = cat(unsigned, sig);
	return {
		root: tree, sig, header, id: sha256(unsigned),
		bytes: cat(header, items.map((i) => i.bytes), items.map((i) => i.priv)),
	};
}

export function entry(o) {
	const results = Uint8Array.from(o.results);
	const before = expectLength(cat(ascii('EMTE'), u8(2), u8(o.host), u16(results.length), u64(o.seq), u64(o.ledgerTime),
		o.submitterId, u64(o.block ?? 0), u32(o.tx ?? 0), u32(0), o.prevEntry, o.header), 312, 'entry head');
	const submitSig = edSign(o.submitSeed, ascii('emrfs/v1/submit\0'), sha256(o.netId, o.header));
	const bytes = cat(before, submitSig, results);
	return { bytes, submitSig, leaf: leafHash(bytes) };
}
