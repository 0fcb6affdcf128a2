// Compares what the model computes with an answer fixed earlier by somebody else; a difference is fatal.
import { hex } from './bytes.js';

let checked = 0;
export function known(name, got, want) {
	const g = typeof got === 'string' ? got : hex(got);
	if (g !== want) throw new Error(`known answer "${name}": got ${g}, expected ${want}`);
	checked++;
}
export const knownCount = () => checked;
