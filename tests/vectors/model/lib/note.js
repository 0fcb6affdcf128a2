// Checkpoints as C2SP signed notes, cosignatures, the high-water mark and proof files.
import { ascii, cat, hex, u8, u16, u32, u64, zeros } from './bytes.js';
import { edSign, sha256 } from './prim.js';

const b64 = (b) => Buffer.from(b).toString('base64');
export const origin = (netId) => `emrfs/${hex(netId)}`;
export const noteText = (netId, size, root) => `${origin(netId)}\n${size}\n${b64(root)}\n`;

export function cosignature({ netId, signerId, logSeed, logPk, text, timestamp }) {
	const name = `${origin(netId)}/${hex(signerId).slice(0, 16)}`;
	const keyId = sha256(ascii(`${name}\n`), u8(4), logPk).slice(0, 4);
	const message = `cosignature/v1\ntime ${timestamp}\n${text}`;
	const sig = edSign(logSeed, ascii(message));
	return { name, keyId, message, sig, line: `— ${name} ${b64(cat(keyId, u64(timestamp), sig))}\n` };
}
export const signedNote = (text, cosigs) => `${text}\n${cosigs.map((c) => c.line).join('')}`;

export function highWaterMark({ netId, size, root, lastTime, frontier, state }) {
	return cat(ascii('EMHW'), u8(1), zeros(3), netId, u64(size), root, u64(lastTime), u8(frontier.length), frontier, state);
}

export function proofExtra({ itemIndex, entry, item, path, priv = zeros(0), tlvs = [] }) {
	return cat(ascii('EMPF'), u8(1), u8(0), u16(itemIndex), u32(entry.length), u32(item.length), u32(priv.length), u8(path.length),
		u8(tlvs.length), u16(0), entry, item, path, priv, tlvs.map(([t, v]) => cat(u8(t), u32(v.length), v)));
}
export const proofFile = (extra, index, path, note) =>
	`c2sp.org/tlog-proof@v1\nextra ${b64(extra)}\nindex ${index}\n${path.map((p) => `${b64(p)}\n`).join('')}\n${note}`;
