// pre.json: capsules, fragments, threshold combination, key wrapping.
import { ascii, cat, fill, hex, run, u8, zeros } from '../lib/bytes.js';
import * as K from '../lib/keys.js';
import * as P from '../lib/pre.js';
import { Point, edPublic, mod, mulBase, readPoint, scalarBytes, sha256 } from '../lib/prim.js';
import { known } from '../lib/known.js';

const { kat, katBytes } = P;
const sc = (v) => hex(scalarBytes(v));

function capsuleCase(name, a, ctx, r, u, kpq, dek) {
	const A = mulBase(a).toBytes();
	const e = P.encapsulate(A, ctx, r, u);
	known(`${name}: decapsulate`, P.decapsulate(a, A, ctx, e.capsule), hex(e.K));
	const kek = P.kek(e.K, kpq, ctx);
	return {
		name, a: sc(a), A: hex(A), ctx: hex(ctx), r: sc(r), u: sc(u), E: hex(e.E), V: hex(e.V), h: sc(e.h), s: hex(e.s), S: hex(e.S),
		capsule: hex(e.capsule), k: hex(e.K), k_pq: hex(kpq), kek: hex(kek), dek: hex(dek), wdek: hex(P.wrapDek(kek, ctx, dek)),
	};
}

function refused(fn) {
	try {
		fn();
	} catch {
		return true;
	}
	return false;
}

/** Flips every bit of a capsule and of a fragment: none may be accepted. */
function everyBitRefused(A, ctx, capsule, kf, signPk, cfrag, req) {
	for (const [bytes, check] of [
		[capsule, (b) => P.checkCapsule(A, ctx, b)],
		[cfrag, (b) => P.verifyCfrag(kf, signPk, capsule, b, req)],
	]) {
		for (let bit = 0; bit < bytes.length * 8; bit++) {
			const bad = Uint8Array.from(bytes);
			bad[bit >> 3] ^= 1 << (bit & 7);
			if (!refused(() => check(bad))) throw new Error(`bit ${bit} accepted`);
		}
	}
}

function threshold(t, n, tag) {
	const off = tag * 16;
	const label = (l, i) => kat(l, i + off);
	const [a, b] = [label('a', 0), label('b', 0)];
	const [A, B] = [mulBase(a).toBytes(), mulBase(b).toBytes()];
	const ctx = katBytes('ctx', off);
	const gctx = katBytes('gctx', off);
	const req = katBytes('req', off);
	const signSeed = katBytes('seed', off);
	const signPk = edPublic(signSeed);
	const e = P.encapsulate(A, ctx, label('r', 0), label('u', 0));
	const f = Array.from({ length: t - 1 }, (_, i) => label('f', i + 1));
	const ids = Array.from({ length: n }, (_, i) => katBytes('id', i + off));
	const kf = P.kfrags({ a, A, B, ids, x: label('x', 0), f, gctx, signSeed });
	const rnd = ids.map((_, i) => katBytes('rnd', i + off));
	const out = kf.list.map((k, i) => {
		P.verifyKfrag(k, signPk);
		const c = P.reencapsulate(k, e.capsule, ctx, req, rnd[i]);
		P.verifyCfrag(k, signPk, e.capsule, c.cfrag, req);
		return { k, c };
	});
	const combine = (pick) => P.combine({ b, A, B, X: kf.X, capsule: e.capsule, ctx, frags: pick.map((i) => ({ id: ids[i], cfrag: out[i].c.cfrag })) });
	const subsets = [];
	const walk = (start, pick) => {
		if (pick.length === t) subsets.push(pick);
		else for (let i = start; i < n; i++) walk(i + 1, [...pick, i]);
	};
	walk(0, []);
	for (const s of subsets) known(`combine ${t}/${n} ${s}`, combine([...s].reverse()), hex(e.K));
	if (t > 1 && !refused(() => combine(subsets[0].slice(1)))) throw new Error('t-1 fragments combined');
	everyBitRefused(A, ctx, e.capsule, out[0].k, signPk, out[0].c.cfrag, req);

	// One agent adds Δ to E1 and takes hΔ from V1: the linear check cannot see it, the proof can.
	const delta = mulBase(label('delta', 0));
	const bad = cat(readPoint(out[0].c.E1).add(delta).toBytes(), readPoint(out[0].c.V1).subtract(delta.multiply(e.h)).toBytes(), out[0].c.h, out[0].c.z);
	if (!refused(() => P.verifyCfrag(out[0].k, signPk, e.capsule, bad, req))) throw new Error('delta fragment accepted');
	const badK = P.combine({ b, A, B, X: kf.X, capsule: e.capsule, ctx, frags: subsets[0].map((i) => ({ id: ids[i], cfrag: i === 0 ? bad : out[i].c.cfrag })) });
	if (hex(badK) === hex(e.K)) throw new Error('delta changed nothing');

	return {
		t, n, a: sc(a), A: hex(A), b: sc(b), B: hex(B), ctx: hex(ctx), gctx: hex(gctx), req: hex(req), sign_seed: hex(signSeed), sign_pk: hex(signPk),
		r: sc(label('r', 0)), u: sc(label('u', 0)), capsule: hex(e.capsule), k: hex(e.K), x: sc(label('x', 0)), X: hex(kf.X), D: hex(kf.D), d: sc(kf.d),
		f: f.map(sc),
		frags: out.map(({ k, c }, i) => ({
			agent_id: hex(k.id), rk: sc(k.rk), U: hex(k.U), sig: hex(k.sig), rnd: hex(rnd[i]), E1: hex(c.E1), V1: hex(c.V1), h: hex(c.h), z: hex(c.z), cfrag: hex(c.cfrag),
		})),
		delta_cfrag: hex(bad), delta_subset: subsets[0], delta_k: hex(badK),
	};
}

export function build() {
	const dek = run(0, 32);
	const seed = run(0, 32);
	const domain = run(0xd0, 16);
	const record = run(0x80, 16);
	const ctxs = [
		{ domain, epoch: 7, record, cver: 1, kind: 1, digest: fill(0xcc, 32) },
		{ domain, epoch: 1, record, cver: 2n ** 40n, kind: 1, digest: sha256(ascii('cid')) },
		{ domain, epoch: 1, record: sha256(K.domSign(seed, domain, 1).pk).slice(0, 16), cver: 0, kind: 2, digest: zeros(32) },
		{ domain, epoch: 0xffffffff, record, cver: 1, kind: 3, digest: fill(0xff, 32) },
	].map((c) => ({ domain_id: hex(c.domain), epoch: c.epoch, record_id: hex(c.record), cver: String(c.cver), kind: c.kind, digest: hex(c.digest), ctx: hex(P.context(c)) }));

	const secret = K.encSecret(seed);
	const ctx0 = katBytes('ctx', 0);
	const rand = katBytes('rand', 0);
	const hedged = {
		secret: hex(secret), rand32: hex(rand), ctx: hex(ctx0),
		enc_r: sc(P.HS('enc-r', rand, secret, ctx0)), enc_u: sc(P.HS('enc-u', rand, secret, ctx0)),
		list_r: sc(P.HS('list-r', secret, ctx0)), list_u: sc(P.HS('list-u', secret, ctx0)),
	};
	const derived = K.domPre(seed, domain, 1);
	const lctx = P.context({ domain, epoch: 1, record: sha256(K.domSign(seed, domain, 1).pk).slice(0, 16), cver: 0, kind: 2, digest: zeros(32) });
	const capsules = [
		capsuleCase('known answer', kat('a', 0), ctx0, kat('r', 0), kat('u', 0), zeros(32), dek),
		capsuleCase('with K_pq', kat('a', 1), katBytes('ctx', 1), kat('r', 1), kat('u', 1), fill(0x77, 32), run(0x60, 32)),
		capsuleCase('listing, derived r and u', derived.secret, lctx, P.HS('list-r', secret, lctx), P.HS('list-u', secret, lctx), zeros(32), dek),
		capsuleCase('content, hedged r and u', derived.secret, ctx0, P.HS('enc-r', rand, secret, ctx0), P.HS('enc-u', rand, secret, ctx0), zeros(32), dek),
	];
	const c5 = P.context({ domain, epoch: 7, record, cver: 1, kind: 1, digest: fill(0xcc, 32) });
	const kek = P.kek(fill(0x11, 32), zeros(32), c5);
	const wraps = [{ k: hex(fill(0x11, 32)), k_pq: hex(zeros(32)), ctx: hex(c5), kek: hex(kek), dek: hex(dek), wdek: hex(P.wrapDek(kek, c5, dek)) }];

	const net = run(0x10, 16);
	const signer = sha256(K.domSign(seed, domain, 1).pk);
	const pops = [[kat('b', 0), P.HS('kat', ascii('p'), u8(0)), net, signer], [K.preKey(seed, 1).secret, kat('p', 1), net, sha256(K.sign(seed, 1).pk)]].map(([b, k, netId, id]) => {
		const proof = P.pop(b, k, netId, id);
		const B = mulBase(b).toBytes();
		P.verifyPop(B, proof, netId, id);
		return { b: sc(b), B: hex(B), k: sc(k), net_id: hex(netId), signer_id: hex(id), pop: hex(proof) };
	});
	const feldman = feldmanCase();

	const th = [[1, 1, 1], [1, 3, 2], [2, 2, 3], [2, 3, 4], [3, 5, 0]].map((p) => threshold(...p));
	const k = th.at(-1);
	const f1 = k.frags[0];
	known('U', P.U.toBytes(), '1c5416c245d47c125e908056fab820872708c3c84d4d63d98e9b426d05addc09');
	known('a', k.a, '5511cdea8ce9de78cc0a82d2bb6c9ba5c2f7da374bbfd6c74e76f8d25ee45306');
	known('A', k.A, 'ee3a6f4d94782a7318d2e3a3cbffe5ee6c270517e91b71caa9c2747b8f17556d');
	known('B', k.B, 'a80d0e332ad35fb6109e00dd76deda881777b151c2889a4b4ee5516fa126cd2a');
	known('E', k.capsule.slice(0, 64), '16f3fc90ad695a14b719188fc8b70c767cad1e7b94d9e35a76a3ee6530695629');
	known('V', k.capsule.slice(64, 128), '701c840f2448ed841409609266e295e3570999f764964c87abb4773b276ee40a');
	known('s', k.capsule.slice(128), 'c9d5a848ac74b0a1df8ded66106fcfbb68d658322511cc1970ff51680ba7c605');
	known('K', k.k, '43e38b2b52c5b7fef132c343dedb07ac882f8377170a31ecafec27f559fbaf24');
	known('X', k.X, 'd64894f69f230f4b22bd62e4c2b9b1f38ec47b547f9b28faa7f827c584808d39');
	known('rk1', f1.rk, '1ff1e77961017816c2ca9c98fc71eaf877ec356c22a3d988d326edf63a14a307');
	known('U_1', f1.U, 'da82bf69e6895156518445a1b4af6daace0cd01788a33f8dd7b35e6bd920d226');
	known('sig1', f1.sig, '4d23e90b46e91914f4f4d9dbdf52e057759f7a0df6b132622136d40e8b0a31a5d9846efc0e7d2ab41eec05379e159b5dcdbc9775fd671766b5d3a7a32969ea06');
	known('E1', f1.E1, 'ba478be811df82c6bea471fc867d69b9275dd8148b0a79717bb645c35e78cb15');
	known('V1', f1.V1, '80ebbea85fb290aed92e0b89cdc7009f07b6e187dec20d2251b5c333d771953b');
	known("h'", f1.h, '7082197c7fc5f4738a39c23677ce4aeae8be8a6b6e645c2c032749cd28a07b09');
	known('z', f1.z, '0cacb732006f76d37040c3aeae8afc92e5c83841eba1533d409f7df66ca39f0d');
	known('ctx', ctxs[0].ctx, 'a3b6514eed53839dc084ccee399f83775414813351012735d19bf084d98445bd');
	known('KEK', wraps[0].kek, '383ccb5bca2cae597f625f9e1d4df890aca0357c1c47e9c15b22eaed0656b5da');
	known('wdek', wraps[0].wdek, 'eb5645d3ecfe8838724161ab1776b57f07036f62a0e8e47afffc64cc8d5811badfb6a33fb4601cdc253de407c382714f');
	known('pop', pops[0].pop, 'fddd1702d930f78446c1fb7426539216ee729836826f60fabdb4f2897b93d90454877baf06cfa30ba6cb42775588af4372b873ddca04b228a7d5975b89bb3404');
	return { U: hex(P.U.toBytes()), contexts: ctxs, hedged, capsules, wraps, pops, threshold: th, feldman };
}

/** Shares of a trustee secret: f(i) on the line, commitments C_j = f_j G. */
function feldmanCase() {
	const coef = [kat('feldman', 0), kat('feldman', 1), kat('feldman', 2)];
	const shares = [1, 2, 3, 4, 5].map((i) => {
		const value = coef.reduceRight((acc, c) => mod(acc * BigInt(i) + c), 0n);
		const commit = coef.reduce((acc, c, j) => acc.add(mulBase(c).multiply(BigInt(i) ** BigInt(j))), Point.ZERO);
		if (!commit.equals(mulBase(value))) throw new Error('feldman');
		return { i, share: sc(value) };
	});
	return { t: 3, n: 5, secret: sc(coef[0]), coefficients: coef.map(sc), commitments: coef.map((c) => hex(mulBase(c).toBytes())), shares };
}
