// state.json: the rows and parts that a host holds after each entry of ledger.json's story. All items there
// are accepted; this is no second contract, only its writes. Where the text leaves a head field open the row
// is marked sure = false and says which reading was taken.
import { build as buildLedger } from './ledger.js';
import { cat, hex, u8, u16, u32, u64, unhex, zeros } from '../lib/bytes.js';
import { OP } from '../lib/ops.js';

const FAMILY = {
	[OP.KEY_REG]: OP.KEY_REG, [OP.DOMAIN_NEW]: OP.DOMAIN_NEW, [OP.EPOCH]: OP.DOMAIN_NEW, [OP.WRITER_ADD]: OP.WRITER_ADD,
	[OP.WRITER_DEL]: OP.WRITER_ADD, [OP.LISTKEY]: OP.LISTKEY, [OP.PUT]: OP.PUT, [OP.META]: OP.PUT,
	[OP.REWRAP]: OP.PUT, [OP.UNLINK]: OP.PUT, [OP.ERASE]: OP.PUT, [OP.GRANT]: OP.GRANT,
	[OP.REVOKE]: OP.GRANT, [OP.KFRAGS]: OP.KFRAGS, [OP.REQUEST]: OP.REQUEST, [OP.APPROVE]: OP.REQUEST,
	[OP.ACCESS_REQ]: OP.ACCESS_REQ, [OP.ACCESS_SERVED]: OP.ACCESS_SERVED, [OP.READ_REPORT]: OP.READ_REPORT, [OP.TRUSTEE_SET]: OP.TRUSTEE_SET,
};
const h2 = (v) => v.toString(16).padStart(2, '0');
const h8 = (v) => v.toString(16).padStart(8, '0');
const h16 = (v) => BigInt(v).toString(16).padStart(16, '0');
const part = (h, at, n) => unhex(h.slice(2 * at, 2 * (at + n)));
const num = (h, at, n) => BigInt(`0x${h.slice(2 * at, 2 * (at + n))}`);

class State {
	rows = new Map();
	parts = new Map();
	changed = new Set();
	set(key, row) {
		this.rows.set(key, row);
		this.changed.add(key);
	}
	text(key) {
		const r = this.rows.get(key);
		if (r.raw) return { key, value: hex(r.raw), sure: r.sure ?? true, note: r.note ?? '' };
		const head = cat(u8(r.fam), u8(r.state), u16(r.flags), u32(r.epoch), u64(r.version), r.item);
		return { key, value: hex(cat(head, r.body())), sure: r.sure ?? true, note: r.note ?? '' };
	}
}

function applyItem(st, i) {
	const id = unhex(i.id);
	const signer = unhex(i.signer_id);
	const at = `${i.domain_id}/${i.object_id}`;
	const fam = FAMILY[i.op];
	const head = (state, more = {}) => ({ fam, state, flags: 0, epoch: i.epoch, version: i.version, item: id, ...more });
	const edit = (key, more) => st.set(key, { ...st.rows.get(key), version: i.version, item: id, ...more });
	switch (i.op) {
	case OP.KEY_REG: {
		const p = i.pub;
		const account = part(p, 2, 1)[0] === 1 ? unhex(i.enrolment) : st.rows.get(`K/${hex(part(p, 184, 32))}`).account;
		st.set(`K/${i.signer_id}`, {
			...head(1), sure: true, account,
			body: () => cat(i.signerPk, part(p, 0, 2), part(p, 2, 1), zeros(5), part(p, 8, 16), part(p, 24, 32), part(p, 56, 32), part(p, 152, 32), part(p, 184, 32), part(p, 280, 8), u64(0), zeros(32), signer, account),
		});
		break;
	}
	case OP.DOMAIN_NEW:
		st.set(`D/${i.domain_id}`, { ...head(1, { flags: i.flags }), A: part(i.pub, 32, 32), body() { return cat(i.signerPk, part(i.pub, 0, 32), this.A); } });
		st.set(`E/${i.domain_id}/${h8(1)}`, { ...head(1), fam: OP.EPOCH, sure: false, note: 'head of E: state 1, version and item of the item that made it', body: () => part(i.pub, 32, 32) });
		break;
	case OP.EPOCH:
		edit(`D/${i.domain_id}`, { epoch: i.epoch, A: unhex(i.pub) });
		st.set(`E/${i.domain_id}/${h8(i.epoch)}`, { ...head(1), fam: OP.EPOCH, sure: false, note: 'head of E: state 1, version and item of the item that made it', body: () => unhex(i.pub) });
		break;
	case OP.WRITER_ADD:
		st.set(`W/${at}`, { ...head(1), body: () => cat(part(i.pub, 0, 34), zeros(6), part(i.pub, 40, 8)) });
		st.set(`gx/${i.pub.slice(0, 64)}/${at}`, { raw: zeros(0) });
		break;
	case OP.WRITER_DEL:
		edit(`W/${at}`, { state: 2 });
		break;
	case OP.LISTKEY:
		st.set(`L/${at}`, { ...head(1), sure: false, note: 'state of L: 1', body: () => signer });
		break;
	case OP.PUT:
	case OP.REWRAP: {
		const old = st.rows.get(`O/${at}`);
		const creator = old?.creator ?? signer;
		st.set(`O/${at}`, { ...head(1), creator, body: () => cat(creator, u64(i.version), id) });
		break;
	}
	case OP.META: {
		const old = st.rows.get(`O/${at}`);
		if (old) edit(`O/${at}`, { state: 1 });
		else st.set(`O/${at}`, { ...head(1, { flags: i.flags & 1 }), creator: signer, sure: false, note: 'epoch of an object without content: that of its META', body: () => cat(signer, u64(0), zeros(32)) });
		break;
	}
	case OP.UNLINK:
		edit(`O/${at}`, { state: 2 });
		break;
	case OP.ERASE: {
		edit(`O/${at}`, { state: 3 });
		for (let v = num(i.pub, 8, 8); v <= num(i.pub, 16, 8); v++) st.parts.delete(`p/${i.pub.slice(0, 2)}/${at}/${h16(v)}`);
		break;
	}
	case OP.GRANT:
		st.set(`G/${at}`, { ...head(1), kver: 0, kitem: zeros(32), body() { return cat(unhex(i.pub), u64(this.kver), this.kitem); } });
		st.set(`gx/${i.pub.slice(0, 64)}/${at}`, { raw: zeros(0) });
		break;
	case OP.REVOKE: {
		const g = st.rows.get(`G/${at}`);
		edit(`G/${at}`, { state: 2, sure: false, note: 'epoch of a revoked grant: that of its GRANT' });
		for (let v = 1; v <= g.kver; v++) st.parts.delete(`p/32/${at}/${h16(v)}`);
		break;
	}
	case OP.KFRAGS:
		st.set(`G/${at}`, { ...st.rows.get(`G/${at}`), kver: i.version, kitem: id });
		break;
	case OP.REQUEST:
		st.set(`Q/${at}`, { ...head(1), grant: zeros(16), body() { return cat(signer, unhex(i.pub), this.grant); } });
		break;
	case OP.APPROVE:
		edit(`Q/${at}`, { state: 2, grant: part(i.pub, 16, 16) });
		break;
	case OP.ACCESS_REQ:
		st.set(`R/${at}`, { ...head(1), sure: false, note: 'state of R: 1', body: () => cat(signer, part(i.pub, 0, 16), u64(i.time)) });
		break;
	case OP.ACCESS_SERVED:
		st.set(`S/${at}`, { ...head(1), sure: false, note: 'state of S: 1', body: () => signer });
		break;
	case OP.READ_REPORT:
		st.set(`X/${at}`, { ...head(1), sure: false, note: 'state of X: 1', body: () => signer });
		break;
	case OP.TRUSTEE_SET:
		st.set(`TR/${i.object_id}`, { ...head(1), sure: false, note: 'state of TR: 1', body: () => cat(signer, part(i.pub, 0, 2), zeros(2), part(i.pub, 4, 4)) });
		break;
	default:
		throw new Error(`op ${i.op} has no writes here`);
	}
	if (i.priv_len) st.parts.set(`p/${h2(fam)}/${at}/${h16(i.version)}`, i.priv_hash);
}

const LETTERS = [OP.KEY_REG, OP.KEY_ROTATE, OP.ORG_PROPOSE, OP.KEY_CERT, OP.WRITER_ADD, OP.GRANT, OP.LETTER, OP.REQUEST, OP.DATASET_NEW, OP.DATASET_ADMIT];

/** What a batch brings of the day of its submitter's enrolment. */
function countBatch(st, b) {
	const account = st.rows.has(`K/${b.caller.submitter_id}`) ? hex(st.rows.get(`K/${b.caller.submitter_id}`).account) : b.caller.enrolment;
	const day = BigInt(Math.floor(b.entry.ledger_time / 86400));
	const count = (place, more) => {
		const old = st.rows.get(`U/${account}/${h2(place)}`);
		const before = old?.day === day ? old.count : 0n;
		st.set(`U/${account}/${h2(place)}`, { day, count: before + BigInt(more), raw: cat(u64(day), u64(before + BigInt(more))) });
	};
	const letters = b.items.filter((i) => LETTERS.includes(i.op)).length;
	if (letters) count(255, letters);
	count(unhex(b.batch_id)[0] % 64, b.items.reduce((sum, i) => sum + unhex(i.bytes).length + i.priv_len, 208));
}

export function build() {
	const { story } = buildLedger();
	const st = new State();
	const note = 'version and item of a row made by the descriptor: 0; N.rules 0 without rules';
	const net = story.network;
	const made = { flags: 0, epoch: 0, version: 0, item: zeros(32), sure: false, note };
	st.set('N', { ...made, fam: OP.ORG_PROPOSE, state: 1, body: () => cat(u8(net.quorum), u8(net.orgs.length), zeros(2), u32(1), zeros(32)) });
	for (const o of net.orgs) st.set(`M/${o.org}`, { ...made, fam: OP.ORG_PROPOSE, state: 1, body: () => cat(unhex(o.admin_id), unhex(o.ca_sha256)) });
	const steps = [{ entry: 0, changed: [...st.changed].sort().map((k) => st.text(k)), parts_gone: [] }];
	for (const b of story.batches) {
		st.changed = new Set();
		const before = new Set(st.parts.keys());
		const domains = new Set();
		countBatch(st, b);
		b.items.forEach((i, n) => {
			applyItem(st, { ...i, signerPk: unhex(b.signer_pk), enrolment: b.caller.enrolment });
			st.set(`i/${h2(FAMILY[i.op])}/${i.domain_id}/${i.object_id}/${h16(i.version)}`, { raw: cat(unhex(b.batch_id), u16(n)) });
			domains.add(i.domain_id);
		});
		for (const d of domains) st.set(`c/${d}`, { raw: unhex(b.batch_id) });
		st.set(`b/${b.batch_id}`, { raw: cat(unhex(b.header), unhex(b.entry.results), b.items.map((i) => unhex(i.bytes))) });
		steps.push({ entry: b.entry.seq, changed: [...st.changed].sort().map((k) => st.text(k)), parts_gone: [...before].filter((k) => !st.parts.has(k)).sort() });
	}
	return {
		steps,
		final_keys: [...st.rows.keys()].sort(),
		final_parts: [...st.parts.keys()].sort().map((k) => ({ key: k, priv_hash: st.parts.get(k) })),
	};
}
