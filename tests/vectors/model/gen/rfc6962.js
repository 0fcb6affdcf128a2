// rfc6962.json: the eight-leaf test tree of certificate-transparency, every root and every proof up to 8 leaves.
import { hex, u8, unhex } from '../lib/bytes.js';
import * as M from '../lib/merkle.js';
import { known } from '../lib/known.js';

const INPUTS = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
	'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
	'6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
	'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
	'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
	'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
	'4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
	'76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
	'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
	'5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

function tree(leaves) {
	const n = leaves.length;
	return {
		n, root: hex(M.root(leaves)), frontier: M.frontier(leaves).map(hex),
		inclusion: leaves.map((_, m) => ({ index: m, path: M.inclusion(m, leaves).map(hex) })),
	};
}

export function build() {
	const leaves = INPUTS.map((i) => M.leafHash(unhex(i)));
	const trees = ROOTS.map((want, n) => {
		const t = tree(leaves.slice(0, n));
		known(`CT tree of ${n}`, t.root, want);
		return t;
	});
	const many = Array.from({ length: 1000 }, (_, i) => M.leafHash(u8(i & 0xff), u8(i >> 8)));
	const roots = [9, 15, 16, 17, 31, 100, 255, 256, 257, 999, 1000].map((n) => ({ n, root: hex(M.root(many.slice(0, n))), frontier: M.frontier(many.slice(0, n)).map(hex) }));
	return {
		inputs: INPUTS, leaf_hashes: leaves.map(hex), trees,
		counter_inputs: 'leaf i is the two bytes i & 255, i >> 8', counter_roots: roots,
		counter_inclusion: [[0, 1000], [511, 1000], [512, 1000], [999, 1000], [998, 999]].map(([m, n]) => ({ index: m, n, path: M.inclusion(m, many.slice(0, n)).map(hex) })),
	};
}
