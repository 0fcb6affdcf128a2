/* This file reads and cleans the texts with which genomes begin: VCF 4 and SAM (BAM; CRAM 3, which
 * has it in a container of its own), github.com/samtools/hts-specs. Of their lines only fields of a
 * list stay, and of those values without blanks; what follows the text is not its business. */
#include "genome.h"

#include <stdio.h>
#include <string.h>

#include "bgzf.h"

#define TEXT_MAX ((size_t)4 << 20)
#define BEFORE 64		      /* room for what stands before the text of a copy */
#define VERSION "##fileformat=VCFv4." /* and a digit */
#define VALUE_MAX 100
#define DIGITS_MAX 6 /* of a name, as of a code in a table */

static const flat_walk little = {0};
static uint8_t text[TEXT_MAX], clean[BEFORE + TEXT_MAX];

/* ---- reading ---- */

/* LEN bytes at AT, or (IS_LINES) lines that begin with #; false: they are not there, or too many.
 */
static bool take(flat_file *f, uint64_t at, size_t len, bool is_lines, genome *out)
{
	bool is_inside = false;
	const uint8_t *p;
	size_t n = 0;

	for (; n < (is_lines ? TEXT_MAX : len) && n < TEXT_MAX; n++) {
		p = flat_bytes(f, at + n, 1);
		if (p == NULL || (is_lines && !is_inside && p[0] != '#'))
			break;
		text[n] = p[0];
		is_inside = p[0] != '\n';
	}
	out->text = (const char *)text;
	out->len = n;
	out->body = at + n;
	return is_lines ? !is_inside : n == len;
}

/* A number of CRAM (ITF8, LTF8), whose first byte says how many follow, to MOST.  Those above 2^28
 * are none that is asked for. */
static uint32_t take_number(flat_file *f, uint64_t *at, uint32_t most)
{
	const uint8_t *p = flat_bytes(f, (*at)++, 1);
	uint32_t v = p != NULL ? p[0] : 0, more = 0;

	while (more < most && (v << more & 0x80) != 0)
		more++;
	for (v &= 0x7fu >> more; more > 0; more--) {
		p = flat_bytes(f, (*at)++, 1);
		v = v << 8 | (p != NULL ? p[0] : 0);
	}
	return v;
}

/* LEN bytes of text, which are PACKED bytes of gzip at AT. */
static bool inflate_text(flat_file *f, uint64_t at, uint32_t packed, uint32_t len, genome *out)
{
	z_stream z = {.avail_in = packed, .next_out = text, .avail_out = len};
	bool is_whole;

	z.next_in = packed <= FLAT_BLOCK ? flat_bytes(f, at, packed) : NULL;
	if (len > TEXT_MAX || z.next_in == NULL || inflateInit2(&z, 31) != Z_OK)
		return false;
	is_whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_out == 0;
	(void)inflateEnd(&z);
	out->text = (const char *)text;
	return is_whole;
}

/* The container that a CRAM file begins with, and in it the first block. */
static emr_withheld read_cram(flat_file *f, genome *out)
{
	const uint8_t *p = flat_bytes(f, 0, 30);
	uint64_t at = 30, body = p != NULL ? flat_u32(&little, p + 26) : 0;
	uint32_t packed, len, marks;
	uint8_t method;

	out->minor = p != NULL ? p[5] : 0;
	for (uint32_t i = 0; i < 7; i++) /* where it lies, records, bases, blocks */
		(void)take_number(f, &at, i == 4 || i == 5 ? 8 : 4);
	for (marks = take_number(f, &at, 4); marks > 0 && at < f->size; marks--)
		(void)take_number(f, &at, 4);
	body += at + 4; /* its sum */
	p = flat_bytes(f, at + 4, 2);
	if (p == NULL || p[1] != 0 || body > f->size)
		return EMR_WITHHELD_DAMAGED;
	if ((method = p[0]) > 1 || out->minor > 1)
		return EMR_WITHHELD_COMPRESSION;
	at += 6;
	(void)take_number(f, &at, 4);
	packed = take_number(f, &at, 4);
	len = take_number(f, &at, 4);
	if (len < 4 || (uint64_t)packed + 4 > body - at ||
		!(method == 0 ? packed == len && take(f, at, len, false, out)
			      : inflate_text(f, at, packed, len, out)))
		return EMR_WITHHELD_DAMAGED;
	out->text += 4;
	out->len = flat_u32(&little, text);
	out->body = body;
	return out->len <= len - 4 ? EMR_WITHHELD_NOT : EMR_WITHHELD_DAMAGED;
}

emr_withheld genome_read(flat_file *f, genome *out)
{
	const uint8_t *p = flat_bytes(f, 0, 21);
	bool is_bam = p != NULL && memcmp(p, "BAM\1", 4) == 0;

	*out = (genome){.form = is_bam ? EMR_COPY_BAM : EMR_COPY_VCF};
	if (p != NULL && memcmp(p, "CRAM\3", 5) == 0) {
		out->form = EMR_COPY_CRAM;
		return read_cram(f, out);
	}
	if (!is_bam && (p == NULL || memcmp(p, VERSION, 19) != 0 || p[19] < '0' || p[19] > '9' ||
			       p[20] != '\n'))
		return EMR_WITHHELD_NOT_DICOM;
	return take(f, is_bam ? 8 : 0, is_bam ? flat_u32(&little, p + 4) : 0, !is_bam, out)
		       ? EMR_WITHHELD_NOT
		       : EMR_WITHHELD_DAMAGED;
}

/* ---- cleaning ---- */

/* Kinds of lines, the field that each must have, and those that it may have. */
static const struct {
	const char *kind, *must, *may;
} lines[] = {{"@HD", "VN", "|VN|SO|GO|SS|"}, {"@SQ", "SN", "|SN|LN|M5|TP|"},
	{"@RG", "ID", "|ID|PL|SM|"}, {"@PG", "ID", "|ID|PN|VN|PP|"},
	{"##INFO", "ID", "|ID|Number|Type|"}, {"##FORMAT", "ID", "|ID|Number|Type|"},
	{"##FILTER", "ID", "|ID|"}, {"##ALT", "ID", "|ID|"}, {"##contig", "ID", "|ID|length|md5|"}};

typedef struct cleaning {
	const char *pseudonym;
	const char *name; /* of the sample, in the original */
	size_t name_len, len;
	bool is_full, has_columns;
	emr_withheld why;
} cleaning;

static void add(cleaning *c, const char *p, size_t len)
{
	c->is_full |= len > TEXT_MAX - 4 - c->len;
	if (!c->is_full)
		memcpy(clean + BEFORE + c->len, p, len);
	c->len += c->is_full ? 0 : len;
}

/* The name of the sample in the copy: a pseudonym, or none. */
static void add_name(cleaning *c, const char *at, size_t len)
{
	if (c->name != NULL && (c->name_len != len || memcmp(c->name, at, len) != 0))
		c->why = EMR_WITHHELD_PEOPLE;
	c->name = at;
	c->name_len = len;
	if (c->pseudonym != NULL)
		add(c, c->pseudonym, strlen(c->pseudonym));
	else if (len >= 8 && strspn(at, "abcdefghijklmnopqrstuvwxyz234567") >= len)
		add(c, at, len);
}

/* Letters, digits and a few signs; a name has no more digits than a code of a table. */
static bool is_plain(const char *at, size_t len, bool is_name)
{
	size_t digits = 0;

	for (size_t i = 0; i < len; i++) {
		digits += at[i] >= '0' && at[i] <= '9';
		if ((at[i] < '0' || at[i] > '9') &&
			((at[i] | 0x20) < 'a' || (at[i] | 0x20) > 'z') &&
			(at[i] == '\0' || strchr("._:*+-/#", at[i]) == NULL))
			return false;
	}
	return len > 0 && len <= VALUE_MAX && (!is_name || digits <= DIGITS_MAX);
}

/* Fields from AT to END that may stay; false: there is not the one that must. */
static bool add_fields(cleaning *c, size_t which, const char *at, const char *end)
{
	const bool is_sam = lines[which].kind[0] == '@',
		   is_name = strstr("@SQ##contig", lines[which].kind) == NULL;
	bool has_must = false, is_quoted, is_first = !is_sam;
	char sought[20];

	for (const char *next, *value; at < end; at = next + 1) {
		is_quoted = false;
		for (next = at; next < end && (is_quoted || *next != (is_sam ? '\t' : ',')); next++)
			is_quoted ^= !is_sam && *next == '"';
		value = memchr(at, is_sam ? ':' : '=', (size_t)(next - at));
		if (value == NULL)
			continue;
		snprintf(sought, sizeof sought, "|%.*s|", (int)(value++ - at), at);
		if (strstr(lines[which].may, sought) == NULL ||
			(strcmp(sought, "|SM|") != 0 &&
				!is_plain(value, (size_t)(next - value), is_name)))
			continue;
		has_must |= strncmp(sought + 1, lines[which].must, 2) == 0;
		if (!is_first)
			add(c, is_sam ? "\t" : ",", 1);
		add(c, at, (size_t)(value - at));
		if (strcmp(sought, "|SM|") == 0)
			add_name(c, value, (size_t)(next - value));
		else
			add(c, value, (size_t)(next - value));
		is_first = false;
	}
	return has_must;
}

/* The line of columns, of which those from the tenth on are samples. */
static void add_columns(cleaning *c, const char *at, size_t len)
{
	static const char columns[] = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t";
	const size_t all = sizeof columns - 1, some = all - 8, most = len < all ? len : all;

	if (c->has_columns || (len != some && len <= all) || memcmp(at, columns, most) != 0)
		c->why = EMR_WITHHELD_DAMAGED;
	else if (len > all && memchr(at + all, '\t', len - all) != NULL)
		c->why = EMR_WITHHELD_PEOPLE;
	c->has_columns = true;
	add(c, at, most);
	if (len > all)
		add_name(c, at + all, len - all);
	add(c, "\n", 1);
}

static void add_line(cleaning *c, const char *at, const char *end)
{
	const size_t before = c->len, len = (size_t)(end - at);

	if (len == sizeof VERSION && memcmp(at, VERSION, len - 1) == 0 &&
		is_plain(end - 1, 1, true)) {
		add(c, at, len + 1);
		return;
	}
	if (len > 6 && memcmp(at, "#CHROM", 6) == 0) {
		add_columns(c, at, len);
		return;
	}
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		const size_t kind = strlen(lines[i].kind);
		const char *mark = lines[i].kind[0] == '@' ? "\t" : "=<", *more = "\n";
		const size_t head = kind + strlen(mark);

		if (len <= head || memcmp(at, lines[i].kind, kind) != 0 ||
			memcmp(at + kind, mark, strlen(mark)) != 0)
			continue;
		if (mark[0] == '=')
			more = strcmp(lines[i].kind, "##contig") == 0 ? ">\n"
								      : ",Description=\".\">\n";
		add(c, at, mark[0] == '=' ? head : kind);
		if (add_fields(c, i, at + head, end - (mark[0] == '=')))
			add(c, more, strlen(more));
		else
			c->len = before;
		return;
	}
}

/* The numbers before the text of BAM, and around that of CRAM: one container with one block. */
static void add_frame(const genome *g, uint32_t len, emr_bytes *out)
{
	uint8_t head[BEFORE] = "CRAM\3", *p = clean + BEFORE, *end = p + len;
	const uint32_t more = len + 4, n = more < 0x80	     ? 1
					   : more < 0x4000   ? 2
					   : more < 0x200000 ? 3
							     : 4;

	*out = emr_bytes_of(p, len);
	if (g->form != EMR_COPY_VCF) {
		bgzf_number(p - 4, len);
		memcpy(p - 8, "BAM\1", 4);
		*out = emr_bytes_of(p - 8, more + 4);
	}
	if (g->form != EMR_COPY_CRAM)
		return;
	p -= 50 + 2 * n;
	head[5] = g->minor;
	head[36] = head[37] = 1;
	for (uint32_t i = 0; i < 2 * n; i++) /* ITF8, packed and not */
		head[46 + i] = (uint8_t)(more >> 8 * (n - 1 - i % n) |
					 (i % n == 0 ? 0xf00 >> (n - 1) : 0));
	bgzf_number(head + 26, 11 + 2 * n + len);
	bgzf_number(head + 39, (uint32_t)crc32(0, head + 26, 13));
	memcpy(p, head, 46 + 2 * n);
	bgzf_number(end, (uint32_t)crc32(0, p + 43, (uInt)(end - p - 43)));
	*out = emr_bytes_of(p, (size_t)(end - p) + 4);
}

emr_withheld genome_clean(const genome *g, const char *pseudonym, emr_bytes *out)
{
	const char *at = g->text, *end = at + g->len, *next;
	cleaning c = {.pseudonym = pseudonym};

	for (; at < end && at[0] != '\0' && c.why == EMR_WITHHELD_NOT; at = next + 1) {
		next = memchr(at, '\n', (size_t)(end - at));
		if (next == NULL)
			return EMR_WITHHELD_DAMAGED;
		add_line(&c, at, next);
	}
	if (c.why == EMR_WITHHELD_NOT && c.is_full)
		c.why = EMR_WITHHELD_TOO_COMPLEX;
	if (c.why == EMR_WITHHELD_NOT && g->form == EMR_COPY_VCF && !c.has_columns)
		c.why = EMR_WITHHELD_DAMAGED;
	add_frame(g, (uint32_t)c.len, out);
	return c.why;
}
