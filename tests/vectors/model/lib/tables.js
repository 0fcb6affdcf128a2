// Tables for research, from fs/share/FORMAT.md alone: the columns that terms name, and whether a table is a copy by them.
const KINDS = { number: 1, date: 2, code: 3 };

/** The columns of a terms' file, in its order; codes that are listed as "|F|M|". */
export const columns = (file) => Object.entries(JSON.parse(file).columns ?? {}).map(([name, kind]) => ({
	name, kind: Array.isArray(kind) ? KINDS.code : KINDS[kind], words: Array.isArray(kind) ? `|${kind.join('|')}|` : '',
}));

function isDate(text, { year, withoutDates }) {
	const m = /^(\d{4})-(\d{2})-(\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$/.exec(text);
	return !withoutDates && m !== null && Number(m[1]) + 29 <= year && m[2] >= '01' && m[2] <= '12' && m[3] >= '01' && m[3] <= '31';
}

const lettersOf = (text) => text.replace(/[^A-Za-z]/g, '').length;
const isDay = (parts) => parts.length > 2 && parts.every((part) => /^(\d+|[A-Za-z]{3})$/.test(part));

function isCell(text, column, rules) {
	if (text === '') return true;
	if (column.kind === KINDS.number) return /^([<>]=?)?[+-]?(?=(\d\.?){1,7}$)\d{1,6}(\.\d+)?$/.test(text);
	if (column.kind === KINDS.date) return isDate(text, rules);
	if (column.words !== '') return column.words.split('|').slice(1, -1).includes(text);
	return /^([+-]+|[A-Za-z0-9._%/][A-Za-z0-9._%/+-]*)$/.test(text) && text.length <= 16 && !/\d{5}/.test(text) && text.replace(/\D/g, '').length <= 6
		&& !isDay(text.split(/[._%/+-]+/).filter((part) => part !== ''))
		&& /^\D*/.exec(text)[0].split('/').every((part) => lettersOf(part) <= (/\d/.test(text) ? 3 : 1))
		&& text.replace(/^\D*/, '').split(/[\d/]/).every((part) => lettersOf(part) <= 2);
}

/** Whether readers may be shown TEXT as a copy. */
export function isCopy(text, named, rules) {
	if (!text.endsWith('\n')) return false;
	const lines = text.slice(0, -1).split('\n');
	const separator = /[,;\t]/.exec(lines[0])?.[0] ?? ',';
	const heads = lines[0].split(separator).map((name) => named.find((c) => c.name === name));
	if (heads.includes(undefined) || new Set(heads).size !== heads.length) return false;
	return lines.slice(1).every((line) => {
		const cells = line.split(separator);
		return cells.length === heads.length && cells.every((cell, i) => !/[,;\t]/.test(cell) && isCell(cell, heads[i], rules));
	});
}
