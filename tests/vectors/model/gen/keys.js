// keys.json: everything that grows from one seed.
import { ascii, cat, fill, hex, run, u32, zeros } from '../lib/bytes.js';
import * as K from '../lib/keys.js';
import { context } from '../lib/pre.js';
import { sha256 } from '../lib/prim.js';
import { known } from '../lib/known.js';

export function build() {
	const seed = run(0, 32);
	const netId = run(0x10, 16);
	const device = run(0xf0, 16);
	const domain = run(0xd0, 16);
	const d = [];
	const ed = (name, info, k) => d.push({ name, type: 'ed25519', info: hex(info), length: 32, okm: hex(k.seed), secret: hex(k.seed), public: hex(k.pk) });
	const box = (name, info, k) => d.push({ name, type: 'x25519', info: hex(info), length: 32, okm: hex(k.sk), secret: hex(k.sk), public: hex(k.pk) });
	const pre = (name, info, k) => d.push({ name, type: 'ristretto255', info: hex(info), length: 64, okm: hex(k.wide), secret: hex(k.secretBytes), public: hex(k.pk) });
	const raw = (name, info, k) => d.push({ name, type: 'bytes', info: hex(info), length: 32, okm: hex(k), secret: hex(k), public: '' });
	for (const gen of [1, 2]) {
		ed(`sign gen ${gen}`, cat(ascii('sign\0'), u32(gen)), K.sign(seed, gen));
		box(`box gen ${gen}`, cat(ascii('box\0'), u32(gen)), K.boxKey(seed, gen));
		pre(`pre gen ${gen}`, cat(ascii('pre\0'), u32(gen)), K.preKey(seed, gen));
	}
	ed('log', cat(ascii('log\0'), netId), K.logKey(seed, netId));
	for (const gen of [1, 2]) ed(`dom-sign gen ${gen}`, cat(ascii('dom-sign\0'), domain, u32(gen)), K.domSign(seed, domain, gen));
	box('dom-box', cat(ascii('dom-box\0'), domain), K.domBox(seed, domain));
	for (const epoch of [1, 2, 7]) pre(`dom-pre epoch ${epoch}`, cat(ascii('dom-pre\0'), domain, u32(epoch)), K.domPre(seed, domain, epoch));
	for (const index of [0, 1]) {
		const k = K.p256Key(seed, index);
		d.push({ name: `p256 index ${index}`, type: 'p256', info: hex(cat(ascii('p256\0'), u32(index))), length: 48, okm: hex(k.wide), secret: hex(k.sk), public: hex(k.pk) });
	}
	const local = K.localKey(seed, device);
	raw('local', cat(ascii('local\0'), device), local);
	raw('enc', ascii('enc\0'), K.encSecret(seed));
	const copies = K.copiesRoot(seed);
	raw('copies', ascii('copies\0'), copies);
	const dataset = run(0x60, 32);

	const stagingId = run(0, 32);
	const localKeys = [
		{ name: 'staging', info: hex(cat(ascii('staging\0'), stagingId)), key: hex(K.stagingKey(local, stagingId)) },
		...['journal', 'view', 'listkeys', 'agent-store', 'units'].map((n) => ({ name: n, info: hex(ascii(`${n}\0`)), key: hex(K.localSub(local, n)) })),
	];

	const writerPk = K.domSign(seed, domain, 1).pk;
	const writerId = sha256(writerPk);
	const listing = [[fill(0x11, 32), zeros(32)], [fill(0x22, 32), fill(0x33, 32)]].map(([k, kpq]) => {
		const ctx = context({ domain, epoch: 1, record: writerId.slice(0, 16), cver: 0, kind: 2, digest: zeros(32) });
		const kl = K.listKey(k, kpq, ctx);
		return {
			domain_id: hex(domain), epoch: 1, writer_pk: hex(writerPk), writer_id: hex(writerId), ctx: hex(ctx),
			k: hex(k), k_pq: hex(kpq), list_key: hex(kl), kcheck: hex(K.listCheck(k, kpq, ctx)),
			meta_keys: [run(0x80, 16), domain].map((o) => ({ object_id: hex(o), key: hex(K.metaKey(kl, o)) })),
		};
	});

	const safety = [
		[run(1, 96), run(2, 96)],
		[cat(K.sign(seed, 1).pk, K.boxKey(seed, 1).pk, K.preKey(seed, 1).pk), cat(K.sign(seed, 2).pk, zeros(32), K.preKey(seed, 2).pk)],
	].map(([a, b]) => ({ bundle_a: hex(a), bundle_b: hex(b), number: K.safetyNumber(a, b) }));

	known('dom-sign pk', writerPk, '5d75d8f33d217202c4c59e2b5facc043fbeab75841bda036f7394b857f8e9436');
	known('sign pk', K.sign(seed, 1).pk, '1bc3a3dfb039f23a1cad28a1d8348ff2ee53698ba973a683eb653d0ee3f6a1e6');
	known('local', local, 'f4a5ad9b7a91f246a57ccc369ad70c3faff4cd59b26fa3997303452adda9dfd4');
	known('staging', localKeys[0].key, '6f04afc28bc9a6da143277948885b56267094ea022a2f47eef14716b0a5a62c7');
	known('listing ctx', listing[0].ctx, 'efb3218ecb264b23504ffc8e852155b37817460471db8fb1e2e094892148709f');
	known('K_L', listing[0].list_key, '116fee5450d906e3e6bbe143514ba8978ca5dcaf8740dd9c6dbf0f464db07152');
	known('kcheck', listing[0].kcheck, 'efb00920d06046bc017051a2f00c99910e861fac7b0b04e2046d8330323bd220');
	known('K_meta', listing[0].meta_keys[0].key, '9a0e42d9ba6ed9cbe5602b25c79cd2329f887c9f95393e931b91c17b2199ced1');
	known('safety number', safety[0].number, '24715 13640 87798 58427 14009 16646 75676 42922 58610 80863 69526 14549');
	return {
		seed: hex(seed), net_id: hex(netId), device_id: hex(device), domain_id: hex(domain), derived: d,
		local: hex(local), staging_id: hex(stagingId), local_keys: localKeys, listing, safety,
		copies: { dataset: hex(dataset), secret: hex(K.copiesSecret(copies, dataset)) },
	};
}
