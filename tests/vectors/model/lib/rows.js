// State rows for the model of the contract: bytes read and changed by offset, straight from the format's tables.
import { cat, hex, u16, u32, u64, unhex, zeros } from './bytes.js';

export const num = (b, at, n) => BigInt(`0x${hex(b.slice(at, at + n)) || '0'}`);
export const int = (b, at, n) => Number(num(b, at, n));
export const cut = (b, at, n) => b.slice(at, at + n);
export const same = (a, b) => hex(a) === hex(b);
export const isZero = (b) => b.every((x) => x === 0);

/** What is behind the head, as bytes; head fields by name. */
export class Row {
	constructor(raw) {
		this.raw = raw;
		[this.fam, this.state, this.flags, this.epoch, this.version] = [raw[0], raw[1], int(raw, 2, 2), int(raw, 4, 4), num(raw, 8, 8)];
		this.item = cut(raw, 16, 32);
	}
	at(offset, n) {
		return cut(this.raw, offset, n);
	}
	int(offset, n) {
		return int(this.raw, offset, n);
	}
	num(offset, n) {
		return num(this.raw, offset, n);
	}
}
export const row = (fam, { state = 1, flags = 0, epoch = 0, version, item }, ...body) =>
	cat(Uint8Array.of(fam, state), u16(flags), u32(epoch), u64(version), item, ...body);
/** The same row with another head, or with bytes put over it at an offset. */
export const rehead = (old, head) => row(old.fam, { state: old.state, flags: old.flags, epoch: old.epoch, version: old.version, item: old.item, ...head }, old.raw.slice(48));
export const over = (raw, at, bytes) => cat(raw.slice(0, at), bytes, raw.slice(at + bytes.length));

const h = (b) => hex(b);
export const key = {
	N: 'N', M: (org) => `M/${h(org)}`, K: (id) => `K/${h(id)}`, D: (dom) => `D/${h(dom)}`, E: (dom, e) => `E/${h(dom)}/${h(u32(e))}`,
	in: (l, dom, obj) => `${l}/${h(dom)}/${h(obj)}`, by: (l, obj) => `${l}/${h(obj)}`, gx: (who, dom, obj) => `gx/${h(who)}/${h(dom)}/${h(obj)}`,
	KC: (org, ref) => `KC/${h(org)}/${h(ref)}`, KE: (org, id) => `KE/${h(org)}/${h(id)}`, U: (account, place) => `U/${h(account)}/${h(Uint8Array.of(place))}`, b: (id) => `b/${h(id)}`, c: (dom) => `c/${h(dom)}`,
	place: (l, fam, dom, obj, v) => `${l}/${h(Uint8Array.of(fam))}/${h(dom)}/${h(obj)}/${h(u64(v))}`,
};
export const NONE = zeros(32);
export { unhex };
