// keyfile.json: a passphrase-sealed keyring file with small Argon2id parameters, and 24-word phrases.
import { readFileSync } from 'node:fs';
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { ascii, cat, expectLength, fill, hex, padUnit, run, u8, u16, u32, u64, zeros } from '../lib/bytes.js';
import { argon2id, sha256, xchachaPoly } from '../lib/prim.js';
import { known } from '../lib/known.js';

const MIB = 1024 * 1024;

function payload(o) {
	const tlvs = o.tlvs.map(([type, value]) => cat(u8(type), u16(value.length), value));
	const head = expectLength(cat(ascii('EMRP'), u8(1), u8(o.kind), u16(0), u32(o.gen), u32(0), o.device, o.seed, u64(o.created), u16(tlvs.length)), 74, 'payload head');
	return padUnit(cat(head, tlvs), 256);
}

function keyfile({ name, passphrase, t, mBytes, salt, nonce, ...p }) {
	const pw = ascii(passphrase);
	const out = argon2id(pw, salt, { t, m: mBytes / 1024, p: 1, dkLen: 64 });
	const plain = payload(p);
	const [key, com] = [out.slice(0, 32), out.slice(32)];
	const head = expectLength(cat(ascii('EMRK'), u8(1), u8(2), u16(0), u32(t), u64(mBytes), u32(0), salt, nonce, com, u32(plain.length + 16)), 100, 'keyfile head');
	return {
		name, passphrase, passphrase_hex: hex(pw), t, m_bytes: mBytes, salt: hex(salt), nonce: hex(nonce), argon2: hex(out), key: hex(key), com: hex(com),
		kind: p.kind, gen: p.gen, device_id: hex(p.device), seed: hex(p.seed), created: p.created,
		tlvs: p.tlvs.map(([type, value]) => ({ type, value: hex(value) })),
		payload: hex(plain), keyfile: hex(cat(head, xchachaPoly(key, nonce, head, plain))),
	};
}

/** 256 bits of entropy and 8 bits of checksum, cut in 24 groups of 11. */
function words(entropy, list) {
	const bits = [...cat(entropy, sha256(entropy).slice(0, 1))].map((b) => b.toString(2).padStart(8, '0')).join('');
	return Array.from({ length: 24 }, (_, i) => list[parseInt(bits.slice(11 * i, 11 * i + 11), 2)]);
}

export function build() {
	const list = readFileSync(new URL('../../bip39-english.txt', import.meta.url), 'utf8').trimEnd().split('\n');
	known('word list', list.join(), wordlist.join());
	known('word list file', sha256(ascii(`${list.join('\n')}\n`)), '2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda');
	const phrases = [zeros(32), fill(0x7f, 32), fill(0x80, 32), fill(0xff, 32), run(0, 32), sha256(ascii('emrfs phrase'))].map((seed) => {
		const w = words(seed, list);
		known('phrase', w.join(' '), entropyToMnemonic(seed, wordlist));
		known('phrase back', mnemonicToEntropy(w.join(' '), wordlist), hex(seed));
		return { seed: hex(seed), phrase: w.join(' ') };
	});
	known('BIP-39 zero', phrases[0].phrase, `${'abandon '.repeat(23)}art`);
	known('BIP-39 ff', phrases[3].phrase, `${'zoo '.repeat(23)}vote`);
	const good = phrases[4].phrase.split(' ');
	const swap = (i, w) => good.map((x, k) => (k === i ? w : x)).join(' ');
	const wrong = swap(5, good[5] === 'zebra' ? 'abandon' : 'zebra');
	const bad = [
		{ why: 'checksum', phrase: wrong, wrong_index: 5, right_word: good[5] },
		{ why: 'unknown word', phrase: swap(3, 'hospital'.concat('s')), wrong_index: 3, right_word: good[3] },
		{ why: '23 words', phrase: good.slice(0, 23).join(' '), wrong_index: -1, right_word: '' },
		{ why: '25 words', phrase: [...good, 'abandon'].join(' '), wrong_index: -1, right_word: '' },
	];
	for (const b of bad) {
		let ok = true;
		try {
			mnemonicToEntropy(b.phrase, wordlist);
		} catch {
			ok = false;
		}
		if (ok) throw new Error(`phrase accepted: ${b.why}`);
	}

	const base = { t: 1, mBytes: 8 * MIB, salt: run(0x20, 16), nonce: run(0x30, 24), kind: 1, gen: 1, device: run(0xf0, 16), seed: run(0, 32), created: 1700000000 };
	const files = [
		keyfile({ ...base, name: 'a person', passphrase: 'correct horse battery staple', tlvs: [] }),
		keyfile({ ...base, name: 'a device with a network', passphrase: 'senha com acentuação', t: 2, kind: 2, gen: 3, tlvs: [[1, run(0x40, 32)], [2, ascii('pkcs11:token=emr')]] }),
		keyfile({ ...base, name: 'an organisation with a long certificate', passphrase: 'x', kind: 3, tlvs: [[3, run(0, 600)]] }),
	];
	return { files, phrases, bad_phrases: bad };
}
