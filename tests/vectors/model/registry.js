// The registry lists the files, and how each becomes text: one value a line, so that a change shows as a small diff.
import { fileURLToPath } from 'node:url';

export const GENERATORS = ['keys', 'content', 'pre', 'hpke', 'rfc9496', 'rfc6962', 'keyfile', 'unixfs', 'ledger', 'state', 'headers', 'share', 'code'];

export const fileFor = (name) => fileURLToPath(new URL(`../${name}.json`, import.meta.url));

export async function render(name) {
	const { build } = await import(`./gen/${name}.js`);
	const about = 'made by tests/vectors/model, see tests/vectors/README.md';
	return `${JSON.stringify({ about, ...(await build()) }, null, 1)}\n`;
}
