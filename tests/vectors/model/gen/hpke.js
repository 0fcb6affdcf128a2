// hpke.json: RFC 9180 A.2.1 (base mode) and letters of our own, each checked against @hpke/core.
import { CipherSuite, HkdfSha256 } from '@hpke/core';
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import { ascii, cat, fill, hex, run, unhex, zeros } from '../lib/bytes.js';
import * as H from '../lib/hpke.js';
import * as K from '../lib/keys.js';
import { chachaPoly, x25519Shared, xPublic } from '../lib/prim.js';
import { known } from '../lib/known.js';

const RFC = {
	info: '4f6465206f6e2061204772656369616e2055726e',
	ikm_e: '909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b',
	pk_em: '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
	sk_em: 'f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600',
	ikm_r: '1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df',
	pk_rm: '4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a',
	sk_rm: '8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb',
	enc: '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
	shared_secret: '0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7',
	key_schedule_context: '00431df6cd95e11ff49d7013563baf7f11588c75a6611ee2a4404a49306ae4cfc5b69c5718a60cc5876c358d3f7fc31ddb598503f67be58ea1e798c0bb19eb9796',
	secret: '5b9cd775e64b437a2335cf499361b2e0d5e444d5cb41a8a53336d8fe402282c6',
	key: 'ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91',
	base_nonce: '5c4d98150661b848853b547f',
	pt: '4265617574792069732074727574682c20747275746820626561757479',
};
const RFC_CT = {
	0: '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28',
	1: '6b53c051e4199c518de79594e1c4ab18b96f081549d45ce015be002090bb119e85285337cc95ba5f59992dc98c',
	2: '71146bd6795ccc9c49ce25dda112a48f202ad220559502cef1f34271e0cb4b02b4f10ecac6f48c32f878fae86b',
	4: '63357a2aa291f5a4e5f27db6baa2af8cf77427c7c1a909e0b37214dd47db122bb153495ff0b02e9e54a50dbe16',
	255: '18ab939d63ddec9f6ac2b60d61d36a7375d2070c9b683861110757062c52b8880a5f6b3936da9cd6c23ef2a95c',
	256: '7a4a13e9ef23978e2c520fd4d2e757514ae160cd0cd05e556ef692370ca53076214c0c40d4c728d6ed9e727a5b',
};

function rfc() {
	const r = Object.fromEntries(Object.entries(RFC).map(([k, v]) => [k, unhex(v)]));
	known('A.2 skE', H.deriveKeyPair(r.ikm_e).sk, RFC.sk_em);
	known('A.2 skR', H.deriveKeyPair(r.ikm_r).sk, RFC.sk_rm);
	known('A.2 pkE', xPublic(r.sk_em), RFC.pk_em);
	known('A.2 pkR', xPublic(r.sk_rm), RFC.pk_rm);
	const s = H.schedule(x25519Shared(r.sk_em, r.pk_rm), r.enc, r.pk_rm, r.info);
	known('A.2 shared', s.shared, RFC.shared_secret);
	known('A.2 context', s.ctx, RFC.key_schedule_context);
	known('A.2 secret', s.secret, RFC.secret);
	known('A.2 key', s.key, RFC.key);
	known('A.2 nonce', s.baseNonce, RFC.base_nonce);
	const encryptions = Object.entries(RFC_CT).map(([seq, ct]) => {
		const aad = ascii(`Count-${seq}`);
		const nonce = H.nonceFor(s.baseNonce, seq);
		known(`A.2 ct ${seq}`, chachaPoly(s.key, nonce, aad, r.pt), ct);
		return { seq: Number(seq), aad: hex(aad), nonce: hex(nonce), pt: RFC.pt, ct };
	});
	const { pt, ...rest } = RFC;
	return { ...rest, encryptions };
}

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });

async function letter(name, skR, skE, info, aad, pt) {
	const pkR = xPublic(skR);
	const wire = H.seal(pkR, skE, info, aad, pt);
	known(`${name}: own open`, H.open(skR, info, aad, wire), hex(pt));
	const recipientKey = await suite.kem.importKey('raw', skR.slice().buffer, false);
	const ctx = await suite.createRecipientContext({ recipientKey, enc: wire.slice(0, 32).buffer, info: info.slice().buffer });
	known(`${name}: @hpke/core open`, new Uint8Array(await ctx.open(wire.slice(32).buffer, aad.slice().buffer)), hex(pt));
	return { name, sk_r: hex(skR), pk_r: hex(pkR), sk_e: hex(skE), info: hex(info), aad: hex(aad), pt: hex(pt), wire: hex(wire) };
}

export async function build() {
	const seed = run(0, 32);
	const skR = K.boxKey(seed, 1).sk;
	const skE = run(0x70, 32);
	return {
		rfc9180_a2: rfc(),
		letters: [
			await letter('a 32-byte key in an 80-byte letter', skR, skE, ascii('emrfs/v1/kfrag'), run(0x10, 32), fill(0x5a, 32)),
			await letter('empty message', skR, skE, ascii('emrfs/v1/note'), zeros(0), zeros(0)),
			await letter('empty info and aad', skR, run(0x90, 32), zeros(0), zeros(0), ascii('x')),
			await letter('a padded letter', skR, run(0xb0, 32), ascii('emrfs/v1/letter'), cat(run(0, 124), run(0, 64)), run(0, 512)),
		],
	};
}
