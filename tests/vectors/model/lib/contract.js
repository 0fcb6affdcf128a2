// The contract's machine for the rules of rules.js: splitting a batch, the order of checks, the overlay, the writes.
import { ascii, cat, hex, u16, u64, unhex, zeros } from './bytes.js';
import { leafHash, root } from './merkle.js';
import { OP } from './ops.js';
import { ed25519, sha256 } from './prim.js';
import { CONFLICT, FORMAT, MAY, need, PART, RULES_OF } from './rules.js';
import { cut, int, isZero, key, NONE, num, Row, same } from './rows.js';

const PUB = {
	[OP.KEY_REG]: 288, [OP.KEY_ROTATE]: 256, [OP.KEY_REVOKE]: 48, [OP.ORG_PROPOSE]: 96, [OP.ORG_APPROVE]: 16, [OP.KEY_KX]: 32,
	[OP.KEY_CERT]: 104, [OP.CERT_REVOKE]: 48, [OP.ENROL_REVOKE]: 56, [OP.HOST_KEY]: 48, [OP.DOMAIN_NEW]: 64, [OP.EPOCH]: 32, [OP.DOMAIN_ROTATE]: 224,
	[OP.WRITER_ADD]: 48, [OP.WRITER_DEL]: 0, [OP.LISTKEY]: 0, [OP.PUT]: 0, [OP.META]: 0, [OP.REWRAP]: 0,
	[OP.UNLINK]: 0, [OP.ERASE]: 24, [OP.GRANT]: 64, [OP.REVOKE]: 8, [OP.KFRAGS]: 0, [OP.LETTER]: 0,
	[OP.AGENT_ACK]: 40, [OP.REQUEST]: 32, [OP.APPROVE]: 32, [OP.DENY]: 32, [OP.WITHDRAW]: 0, [OP.ACCESS_REQ]: 40,
	[OP.ACCESS_SERVED]: 56, [OP.READ_REPORT]: 32, [OP.EMERGENCY]: 49, [OP.DATASET_NEW]: 152, [OP.DATASET_ADMIT]: 64, [OP.DATASET_DROP]: 0, [OP.DATASET_JOIN]: 48,
	[OP.DATASET_LEAVE]: 0, [OP.DATASET_SNAPSHOT]: 64, [OP.DATASET_CLOSE]: 0, [OP.MINT]: 56, [OP.TRANSFER]: 72, [OP.TRUSTEE_SET]: 8,
	[OP.RECOVER_REQ]: 48, [OP.RECOVER_CANCEL]: 32, [OP.RECOVER_SHARE]: 16, [OP.RESTORE_PART]: 16,
};
const OWN_FAMILY = {
	[OP.KEY_ROTATE]: OP.KEY_REG, [OP.KEY_REVOKE]: OP.KEY_REG, [OP.KEY_KX]: OP.KEY_REG, [OP.KEY_CERT]: OP.KEY_REG,
	[OP.EPOCH]: OP.DOMAIN_NEW, [OP.DOMAIN_ROTATE]: OP.DOMAIN_NEW, [OP.WRITER_DEL]: OP.WRITER_ADD, [OP.META]: OP.PUT,
	[OP.REWRAP]: OP.PUT, [OP.UNLINK]: OP.PUT, [OP.REVOKE]: OP.GRANT, [OP.APPROVE]: OP.REQUEST,
	[OP.DENY]: OP.REQUEST, [OP.WITHDRAW]: OP.REQUEST, [OP.DATASET_DROP]: OP.DATASET_ADMIT, [OP.DATASET_LEAVE]: OP.DATASET_JOIN,
	[OP.DATASET_CLOSE]: OP.DATASET_NEW, [OP.TRANSFER]: OP.MINT, [OP.RECOVER_CANCEL]: OP.RECOVER_REQ,
};
/* What an enrolment may bring in a day: letters and bytes, of who is invited and of who has a key here. */
const LETTERS = [OP.KEY_REG, OP.KEY_ROTATE, OP.ORG_PROPOSE, OP.KEY_CERT, OP.WRITER_ADD, OP.GRANT, OP.LETTER, OP.REQUEST, OP.DATASET_NEW, OP.DATASET_ADMIT, OP.RECOVER_REQ, OP.EMERGENCY];
const DAILY = { invited: [20n, 1n << 20n], member: [20000n, (2n << 30n) / 64n] };
const DAY = 86400n;
const familyOf = (op) => OWN_FAMILY[op] ?? op;

/** Header, items, parts; throws the code that refuses the batch. */
function split(b) {
	need(b.length >= 208 && b.length <= 4 << 20, FORMAT);
	const count = int(b, 6, 2);
	need(same(cut(b, 0, 6), cat(ascii('EMTB'), Uint8Array.of(1, 0))) && count >= 1 && count <= 1024, FORMAT);
	need(num(b, 72, 8) !== 0n || isZero(cut(b, 80, 32)), FORMAT);
	const items = [];
	let at = 208;
	for (let i = 0; i < count; i++) {
		need(b.length - at >= 160, FORMAT);
		const len = PUB[b[at + 5]];
		need(len !== undefined, 22);
		need(b.length - at >= 160 + len, FORMAT);
		items.push({ bytes: cut(b, at, 160 + len) });
		at += 160 + len;
	}
	const all = b.slice(208, at);
	for (const i of items) {
		const len = int(i.bytes, 124, 4);
		need(b.length - at >= len, FORMAT);
		i.part = cut(b, at, len);
		at += len;
	}
	need(at === b.length, FORMAT);
	return { header: cut(b, 0, 208), items, all };
}

const limit = (op, host) => {
	if ([OP.ACCESS_REQ, OP.ACCESS_SERVED, OP.RECOVER_REQ, OP.EMERGENCY].includes(op)) return host === 1 ? 900n : 600n;
	return [OP.LISTKEY, OP.PUT, OP.META, OP.REWRAP, OP.UNLINK, OP.ERASE, OP.READ_REPORT].includes(op) ? 400n * 86400n : 7n * 86400n;
};

class Judge {
	constructor(c, state) {
		Object.assign(this, c);
		this.rows = new Map(state);
		this.writes = [];
		this.at = new Map();
	}
	rowOf(k) {
		const raw = this.rows.get(k);
		return raw ? new Row(raw) : null;
	}
	isMember(org) {
		return this.rowOf(key.M(org))?.state === 1;
	}
	keyActive(k) {
		return !!k && k.state === 1 && this.now < k.num(232, 8) && this.isMember(k.at(88, 16));
	}
	writer(dom) {
		const w = this.rowOf(key.in('W', dom, cut(this.signer, 0, 16)));
		return w && w.state === 1 && this.now < w.num(88, 8) && same(w.at(48, 32), this.signer) ? w : null;
	}
	manages(dom) {
		const d = this.rowOf(key.D(dom));
		return !!d && (same(d.at(48, 32), this.signerPk) || ((this.writer(dom)?.int(80, 2) ?? 0) & 8) !== 0);
	}
	head(more = {}) {
		return { state: 1, flags: 0, epoch: 0, version: this.version, item: this.id, ...more };
	}
	put(k, value) {
		this.rows.set(k, value);
		if (this.at.has(k)) {
			Object.assign(this.writes[this.at.get(k)], { kind: 'put', value });
		} else {
			this.at.set(k, this.writes.length);
			this.writes.push({ kind: 'put', key: k, value });
		}
	}
	putPart(fam, version) {
		if (this.part?.length) this.writes.push({ kind: 'put_part', key: key.place('p', fam, this.domain, this.object, version), value: this.part });
	}
	purge(fam, lo, hi, object = this.object) {
		for (let v = lo; v <= hi; v++) this.rows.delete(key.place('p', fam, this.domain, object, v));
		this.writes.push({ kind: 'purge_parts', key: key.place('p', fam, this.domain, object, lo), versions: Number(hi - lo + 1n) });
	}
	putPlace(fam, object, version) {
		this.put(key.place('i', fam, this.domain, object, version), cat(this.batchId, u16(this.index)));
	}
	/** Is this the part that the item at that place commits to, and has nobody purged it? */
	expects(k) {
		const hash = this.rows.get(k);
		return !!hash && same(hash, this.privHash);
	}

	checkBatch(items, all, header) {
		const rules = this.rowOf(key.N)?.int(52, 4) ?? 1;
		need(items.every((i) => (RULES_OF[i.bytes[5]]?.since ?? 1) <= rules), 22);
		need(same(cut(header, 40, 16), this.net), 17);
	}
	checkRest(items, header) {
		const [time, until] = [num(header, 56, 8), num(header, 64, 8)];
		let ok = true;
		try {
			ok = ed25519.verify(cut(header, 144, 64), cat(ascii('emrfs/v1/batch\0'), header.slice(0, 144)), this.signerPk, { zip215: false });
		} catch {
			ok = false;
		}
		need(ok, 18);
		const onlyReads = (id) => ((this.rowOf(key.K(id))?.int(80, 2) ?? 0) & 8192) !== 0;
		need(!onlyReads(this.signer) && !onlyReads(this.submitter), 19);
		need(this.bringsOwnCert(items) || this.submitterActive(), 19);
		need(time <= this.now + 600n, 20);
		let smallest = 1n << 63n;
		for (const i of items) {
			const [op, t] = [i.bytes[5], num(i.bytes, 112, 8)];
			const max = limit(op, this.host);
			if (max < smallest) smallest = max;
			need(t <= time, 20);
			need(max > 900n || (t + max >= this.now && time + max >= this.now), 21);
		}
		need(this.now <= until && until >= time && until - time <= smallest, 21);
		need(num(header, 72, 8) === 0n || this.seen !== 2, 37);
		need(same(root(items.map((i) => leafHash(i.bytes))), cut(header, 112, 32)), FORMAT);
	}
	bringsOwnCert(items) {
		if (items.length !== 1 || !this.cert || !same(this.submitter, this.signer)) return false;
		const [op, pub] = [items[0].bytes[5], items[0].bytes.slice(160)];
		return (op === OP.KEY_REG && pub[2] === 1 && same(cut(pub, 184, 32), this.cert.ref)) || (op === OP.KEY_CERT && same(cut(pub, 0, 32), this.cert.ref));
	}
	submitterActive() {
		return this.keyActive(this.rowOf(key.K(this.submitter)));
	}

	/** One row more of what is counted; throws CODE where it is more than MOST. */
	count(account, place, most, more, code) {
		const k = key.U(account, place);
		const old = this.rows.get(k);
		const today = this.now / DAY;
		const day = old && num(old, 0, 8) === today + 1n ? today + 1n : today;
		const sum = (old && num(old, 0, 8) === day ? num(old, 8, 8) : 0n) + more;
		need(sum <= most, code);
		this.put(k, cat(u64(day), u64(sum)));
	}
	checkQuota(items, all) {
		const k = this.rowOf(key.K(this.submitter));
		const account = k ? k.at(312, 32) : this.cert.enrolment;
		const [letters, bytes] = DAILY[k ? 'member' : 'invited'];
		const n = items.filter((i) => LETTERS.includes(i.bytes[5])).length;
		const size = items.reduce((sum, i) => sum + int(i.bytes, 124, 4), 208 + all.length + (this.host === 1 ? 8192 : 0));
		if (n) this.count(account, 255, letters, BigInt(n), 39);
		this.count(account, this.batchId[0] % 64, bytes, BigInt(size), 40);
	}

	take({ bytes, part }, index) {
		Object.assign(this, {
			index, op: bytes[5], flags: int(bytes, 6, 2), domain: cut(bytes, 8, 16), object: cut(bytes, 24, 16), version: num(bytes, 40, 8), prev: cut(bytes, 48, 32), time: num(bytes, 112, 8),
			epoch: int(bytes, 120, 4), privLen: int(bytes, 124, 4), privHash: cut(bytes, 128, 32), pub: bytes.slice(160), part, id: sha256(bytes), itemSigner: cut(bytes, 80, 32),
		});
		need(same(cut(bytes, 0, 5), cat(ascii('EMTX'), Uint8Array.of(1))), FORMAT);
	}
	stand() {
		this.D = isZero(this.domain) ? null : this.rowOf(key.D(this.domain));
		this.K = this.rowOf(key.K(this.signer));
		this.owner = !!this.D && same(this.D.at(48, 32), this.signerPk);
		this.W = this.D ? this.writer(this.domain) : null;
		this.rights = this.W ? this.W.int(80, 2) : 0;
		this.manager = this.owner || (this.rights & 8) !== 0;
		this.depositor = !!this.D && (this.D.flags & 1) !== 0 && !!this.K && (this.K.int(80, 2) & 6) !== 0;
	}
	judge(entry, index) {
		this.take(entry, index);
		const r = RULES_OF[this.op];
		need(r, 22);
		const domZero = isZero(this.domain);
		need(!(this.flags & ~(r.flags ?? 0)) && (!r.zero || isZero(cut(this.pub, ...r.zero))) && (this.privLen || isZero(this.privHash)), FORMAT);
		need(r.dom === 'none' ? domZero : r.dom === 'either' || !domZero, FORMAT);
		need(same(this.itemSigner, this.signer), MAY);
		r.form?.(this);
		this.stand();
		const k = r.row(this);
		this.row = k ? this.rowOf(k) : null;
		const chain = this.row ? (r.chain?.(this.row) ?? { version: this.row.version, item: this.row.item }) : { version: 0n, item: NONE };
		if (this.row && same(chain.item, this.id)) return 1;
		this.checkPart(r);
		need(r.dom === 'none' || r.dom === 'free' || (r.dom === 'either' && domZero) || this.D, 27);
		r.may?.(this);
		const current = this.D?.epoch ?? 0;
		need(this.epoch === { 0: 0, 1: 1, next: current + 1, now: current }[r.epoch], 25);
		const free = !k || r.unchained?.(this);
		need(r.fresh ? this.version === 1n && isZero(this.prev) : free ? this.version === 0n && isZero(this.prev) : this.version === chain.version + 1n && same(this.prev, chain.item), CONFLICT);
		r.state?.(this);
		r.last?.(this);
		this.finish(r);
		return 0;
	}
	checkPart(r) {
		need(r.part(this.privLen, this), PART);
		if (!this.privLen) return;
		if (this.part === null) return need(this.recorded.length && this.recorded[this.index] !== PART, PART);
		need(same(sha256(ascii('emrfs/v1/priv'), this.part), this.privHash), PART);
	}
	finish(r) {
		r.write(this);
		const fam = r.place ? r.place(this) : familyOf(this.op);
		if (!r.place) this.putPart(fam, this.version);
		if (fam !== null) this.putPlace(fam, this.object, r.placeVersion?.(this) ?? this.version);
		this.put(key.c(this.domain), this.batchId);
	}
}

/** One batch against a state: {outcome, refusal} or {outcome, results, writes}, as the recorded cases have it. */
export function judge({ batch, caller, now, state }) {
	try {
		const { header, items, all } = split(batch);
		const signerPk = cut(header, 8, 32);
		const j = new Judge({ ...caller, now: BigInt(now), signerPk, signer: sha256(signerPk), batchId: sha256(header.slice(0, 144)) }, state);
		j.checkBatch(items, all, header);
		const known = j.rows.get(key.b(j.batchId));
		if (known) return { outcome: 'known', results: cut(known, 208, int(known, 6, 2)) };
		j.checkRest(items, header);
		j.checkQuota(items, all);
		j.approvals = items.filter((i) => i.bytes[5] === OP.ORG_APPROVE).length;
		const results = Uint8Array.from(items.map((item, i) => {
			try {
				return j.judge(item, i);
			} catch (code) {
				if (typeof code !== 'number') throw code;
				return code;
			}
		}));
		const byCert = items.length === 1 && j.cert && [OP.KEY_REG, OP.KEY_CERT].includes(items[0].bytes[5]);
		need(!byCert || j.recorded.length || results[0] <= 1, results[0]);
		j.put(key.b(j.batchId), cat(header, results, all));
		return { outcome: 'applied', results, writes: j.writes };
	} catch (code) {
		if (typeof code !== 'number') throw code;
		return { outcome: 'refused', refusal: code };
	}
}

/** A recorded case of tests/conformance/contract; an empty answer when the model agrees, else what differs. */
export function compareCase(json) {
	const k = json.caller.cert;
	const caller = {
		host: json.caller.host, net: unhex(json.caller.net_id), submitter: unhex(json.caller.submitter_id), seen: json.caller.seen, recorded: unhex(json.caller.recorded ?? ''),
		cert: k ? { ref: unhex(k.ref), org: unhex(k.org), enrolment: unhex(k.enrolment ?? hex(NONE)), roles: k.roles, notAfter: BigInt.asUintN(64, BigInt(k.not_after)), alg: k.key_alg, key: unhex(k.key) } : null,
	};
	const state = Object.entries(json.state).map(([name, value]) => [name, unhex(value)]);
	const got = judge({ batch: unhex(json.batch), caller, now: json.now, state });
	const want = json.expected;
	if (got.outcome !== want.outcome || got.refusal !== want.refusal) return `${got.outcome} ${got.refusal ?? ''}, recorded ${want.outcome} ${want.refusal ?? ''}`;
	if (got.outcome === 'refused') return '';
	if (hex(got.results) !== want.results) return `results ${hex(got.results)}, recorded ${want.results}`;
	if (got.outcome === 'known') return '';
	const text = (w) => JSON.stringify(w);
	for (let i = 0; i < Math.max(got.writes.length, want.writes.length); i++) {
		const [g, w] = [got.writes[i], want.writes[i]];
		if (!g || !w) return `${got.writes.length} writes, recorded ${want.writes.length}`;
		const mine = { kind: g.kind, key: g.key, ...(g.versions ? { versions: g.versions } : w.sha256 ? { sha256: hex(sha256(g.value)) } : { value: hex(g.value) }) };
		if (text(mine) !== text(w)) return `write ${i}: ${text(mine)}, recorded ${text(w)}`;
	}
	return '';
}
export { u64, zeros };
