// Converts C2SP/wycheproof's testvectors_v1/*.json into the flat form that the C tests read.
// Usage: node convert.js <directory with the *_test.json files>
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';

const SOURCE = 'C2SP/wycheproof commit dac1dd4729fd1f8dd9e1e9f3dce51d783da6c166 testvectors_v1, Apache-2.0';
const here = dirname(fileURLToPath(import.meta.url));

const aead = (t) => ({ key: t.key, iv: t.iv, aad: t.aad, msg: t.msg, ct: t.ct, tag: t.tag });
const hkdf = (t) => ({ ikm: t.ikm, salt: t.salt, info: t.info, size: t.size, okm: t.okm });

// The ciphertexts are published zlib-compressed and are mostly long runs of one byte. Here they are
// a list of [hex, times] pairs, to be concatenated, so that a reader needs no zlib.
function runs(bytes) {
	const out = [];
	let literal = 0;
	for (let i = 0; i < bytes.length; ) {
		let end = i;
		while (end < bytes.length && bytes[end] === bytes[i]) end++;
		if (end - i >= 16) {
			if (i > literal) out.push([bytes.subarray(literal, i).toString('hex'), 1]);
			out.push([bytes.subarray(i, i + 1).toString('hex'), end - i]);
			literal = end;
		}
		i = end;
	}
	if (bytes.length > literal) out.push([bytes.subarray(literal).toString('hex'), 1]);
	return out;
}

const chunked = (t) => {
	const ct = inflateSync(Buffer.from(t.ct, 'hex'));
	return { ...t, ct: runs(ct), ctLength: ct.length };
};

const FILES = {
	aes_gcm: {
		keep: (g) => g.keySize === 256 && g.ivSize === 96 && g.tagSize === 128,
		fields: aead,
	},
	chacha20_poly1305: { fields: aead },
	xchacha20_poly1305: { fields: aead },
	c2sp_chunked_encryption_aes_256_gcm: {
		keep: (g) => g.aead === 'AEAD_AES_256_GCM' && g.sha === 'SHA-512',
		fields: chunked,
	},
	ed25519: { fields: (t, g) => ({ pk: g.publicKey.pk, msg: t.msg, sig: t.sig }) },
	x25519: { fields: (t) => ({ public: t.public, private: t.private, shared: t.shared }) },
	hkdf_sha512: { fields: hkdf },
	hkdf_sha256: { fields: hkdf },
	hmac_sha512: { fields: (t) => ({ key: t.key, msg: t.msg, tag: t.tag }) },
	ecdsa_secp256r1_sha256_p1363: {
		fields: (t, g) => ({ pk: g.publicKey.uncompressed, msg: t.msg, sig: t.sig }),
	},
};

const dir = process.argv[2];
if (!dir) {
	console.error('usage: node convert.js <testvectors_v1 directory>');
	process.exit(2);
}
for (const [name, how] of Object.entries(FILES)) {
	const input = JSON.parse(readFileSync(join(dir, `${name}_test.json`), 'utf8'));
	const tests = [];
	for (const group of input.testGroups) {
		if (how.keep && !how.keep(group)) continue;
		for (const t of group.tests) {
			const { tcId, comment, flags, result, ...rest } = t;
			tests.push({ tcId, ...how.fields(rest, group), result });
		}
	}
	const lines = tests.map((t) => JSON.stringify(t)).join(',\n');
	const head = `{"source":${JSON.stringify(SOURCE)},"primitive":${JSON.stringify(name)},"count":${tests.length},"tests":[\n`;
	writeFileSync(join(here, `${name}.json`), `${head}${lines}\n]}\n`);
	console.log(`${name}: ${tests.length}`);
}
