// Regenerates every file in memory and compares it with the kept one, byte for byte.
import { readFileSync } from 'node:fs';
import { knownCount } from './lib/known.js';
import { wycheproof } from './lib/wycheproof.js';
import { fileFor, GENERATORS, render } from './registry.js';

let bad = 0;
for (const name of GENERATORS) {
	let kept = null;
	try {
		kept = readFileSync(fileFor(name), 'utf8');
	} catch (e) {
		if (e.code !== 'ENOENT') throw e;
	}
	const same = kept === (await render(name));
	if (!same) bad++;
	console.log(`${same ? 'same   ' : 'DIFFERS'} ${name}.json`);
}
console.log(`${wycheproof()} Wycheproof vectors agree`);
console.log(`${knownCount()} answers compared with values known beforehand`);
process.exit(bad ? 1 : 0);
