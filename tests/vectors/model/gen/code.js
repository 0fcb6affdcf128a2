// code.json: texts that are codes to an invitation, or nearly so, and what a reader that knows the format alone takes from each.
import { ascii, cat, hex, run, u16, u8 } from '../lib/bytes.js';
import { hkdf512, sha256 } from '../lib/prim.js';
import { known } from '../lib/known.js';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const LABEL = 'emrfs/v1/code';

function base32(bytes) {
	let out = '';
	const bits = Array.from(bytes, (b) => b.toString(2).padStart(8, '0')).join('');
	for (let i = 0; i < bits.length; i += 5) out += LETTERS[parseInt(bits.slice(i, i + 5).padEnd(5, '0'), 2)];
	return out;
}

/** null: a letter that is none, or bits at the end that no byte is made of. */
function fromBase32(text) {
	const letters = text.replace(/[ \t\r\n]/g, '').toUpperCase();
	if (!/^[A-Z2-7]*$/.test(letters) || /[^ -~\t\r\n]/.test(text)) return null;
	const bits = Array.from(letters, (c) => LETTERS.indexOf(c).toString(2).padStart(5, '0')).join('');
	const whole = bits.length - bits.length % 8;
	if (bits.length - whole > 4 || bits.slice(whole).includes('1')) return null;
	return Uint8Array.from({ length: whole / 8 }, (_, i) => parseInt(bits.slice(8 * i, 8 * i + 8), 2));
}

const sum = (body) => sha256(ascii(`${LABEL}\0`), body).slice(0, 3);
const body = (c) => cat(u8(0x48 + c.way), u16(c.roles), c.print, c.secret, c.address);
const write = (bytes) => base32(cat(bytes, sum(bytes)));

/** One line of UTF-8, in which nothing turns text around or is not seen. */
function isLine(address) {
	try {
		return !/[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/.test(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(address));
	} catch {
		return false;
	}
}

export function read(text) {
	const bytes = text.length <= 1024 ? fromBase32(text) : null;
	if (bytes === null || bytes.length < 54 || bytes.length > 99) return { is: 'none' };
	const b = bytes.slice(0, -3);
	if (hex(sum(b)) !== hex(bytes.slice(-3))) return { is: 'none' };
	if (b[0] < 0x48 || b[0] > 0x4a) return { is: 'newer' };
	const address = b.slice(51);
	const roles = 256 * b[1] + b[2];
	if (roles === 0 || !isLine(address) || (address.length === 0 && b[0] !== 0x4a)) return { is: 'none' };
	return {
		is: 'code', way: b[0] - 0x48, roles, print: hex(b.slice(3, 35)), secret: hex(b.slice(35, 51)), address: hex(address),
		id: hex(hkdf512(ascii(LABEL), b, new Uint8Array(0), 48).slice(0, 16)),
	};
}

export function build() {
	let x = 0x636f6465;
	const random = (n) => {
		x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
		return (x >>> 0) % n;
	};
	const some = (n) => Uint8Array.from({ length: n }, () => random(256));
	const texts = ['', 'A', ' \n', 'J', 'J'.repeat(1100)];
	const addresses = ['192.168.0.7:7443', 'h', 'praxis.example', '/run/emrfs/host', 'x'.repeat(45), 'x'.repeat(46), 'x'.repeat(200), '', 'a\nb', 'a\0', '\x7f', 'é.example', 'a\u202eb', 'a\u0085b'].map(ascii);
	const known_code = { way: 0, roles: 2, print: run(0, 32), secret: run(0x40, 16), address: addresses[0] };
	for (const address of [...addresses, Uint8Array.of(0xff), Uint8Array.of(0xc3), Uint8Array.of(0x61, 0xed, 0xa0, 0x80)]) {
		for (const way of [0, 1, 2, 3, 7]) texts.push(write(body({ ...known_code, way, address })));
		texts.push(write(body({ ...known_code, way: 2, roles: 0, address })));
	}
	for (let i = 0; i < 150; i++) {
		const c = { way: random(3), roles: 1 + random(0xffff), print: some(32), secret: some(16), address: ascii('abcdefghijklmnopqrstuvwxyz0123456789.:/-'.slice(random(20), 20 + random(20))) };
		const bytes = body(c);
		const text = write(bytes);
		const at = random(text.length);
		const changed = bytes.slice();
		changed[random(bytes.length)] ^= 1 << random(8);
		const forms = [
			text, write(changed), `${text.slice(0, at)}${LETTERS[random(32)]}${text.slice(at + 1)}`, text.slice(0, at), `${text}A`, text.toLowerCase(),
			`${text.slice(0, at)} \r\n\t${text.slice(at)}`, `${text.slice(0, at)}${'018-=é\u00a0'[random(7)]}${text.slice(at)}`, write(cat(bytes, some(random(50)))), write(bytes.slice(0, random(bytes.length))),
		];
		texts.push(forms[i % forms.length]);
	}
	const codes = texts.map((text) => ({ text, ...read(text) }));
	const first = read(write(body(known_code)));
	known('the code of FORMAT.md', write(body(known_code)), 'JAAAEAABAIBQIBIGA4EASCQLBQGQ4DYQCEJBGFAVCYLRQGI2DMOB2HQ7IBAUEQ2EIVDEOSCJJJFUYTKOJ4YTSMROGE3DQLRQFY3TUNZUGQZSOBJY');
	known('and its id', first.id, 'b6a319d22832e0ec93353d57b79b23ce');
	return { codes };
}
