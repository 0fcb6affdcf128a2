/* This file takes a .tlog-proof file apart: its lines, its parts, and the checkpoint of the log
 * that it ends with. */
#include "audit.h"

#include <stdlib.h>
#include <string.h>

/* ---- the file ---- */

/* A line without its newline. */
static bytes take_line(bytes *rest, const char *check)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->at, '\n', rest->len) : NULL;
	bytes line;

	if (end == NULL)
		failed(check, "a line is missing or has no end");
	line = (bytes){rest->at, (size_t)(end - rest->at)};
	rest->at = end + 1;
	rest->len -= line.len + 1;
	return line;
}

static bool starts_with(bytes *line, const char *word)
{
	size_t len = strlen(word);

	if (line->len < len || memcmp(line->at, word, len) != 0)
		return false;
	line->at += len;
	line->len -= len;
	return true;
}

static uint64_t decimal(bytes text, size_t digits_max, const char *check)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > digits_max || (text.len > 1 && text.at[0] == '0'))
		failed(check, "a number is spelled wrong");
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			failed(check, "a number is spelled wrong");
		value = value * 10 + (uint64_t)(text.at[i] - '0');
	}
	return value;
}

/* How many parts of a type may stand in a file of that format; 0: none. */
static size_t most_of(uint8_t type, int format)
{
	switch (type) {
	case 2:
	case 6:
		return format == 1 ? 4 : KEYS_MAX;
	case 10:
		return 4;
	case 18:
		return format == 1 ? 0 : 1;
	case 16:
		return format == 1 ? 0 : ADMISSIONS_MAX;
	case 17:
		return format == 1 ? 0 : APPROVALS_MAX;
	case 19:
		return format < 3 ? 0 : KEYS_MAX;
	default:
		return (type >= 1 && type <= 4) || (type >= 9 && type <= 13) ? 1 : 0;
	}
}

static bool parts_fit(const proof *p, int format)
{
	size_t repeats = 0;

	for (size_t i = 0; i < p->n_parts; i++) {
		uint8_t type = p->parts[i].type, before = i > 0 ? p->parts[i - 1].type : 0;

		repeats = type == before ? repeats + 1 : 1;
		if (type < before || repeats > most_of(type, format))
			return false;
	}
	return p->n_parts <= (size_t)(format == 1   ? FIRST_PARTS_MAX
				      : format == 2 ? SECOND_PARTS_MAX
						    : PARTS_MAX);
}

/* A format is for what the one before has no room for, and for nothing else. */
static void read_parts(proof *p, bytes rest, uint8_t count, int format, const char *check)
{
	if (count > PARTS_MAX)
		failed(check, "too many parts");
	for (uint8_t i = 0; i < count; i++) {
		bytes head = take(&rest, 5, check, "a part");

		p->parts[i] = (part){
			head.at[0], take(&rest, (size_t)number(head.at + 1, 4), check, "a part")};
	}
	p->n_parts = count;
	if (!parts_fit(p, format) || (format > 1 && parts_fit(p, format - 1)))
		failed(check, "there are parts that may not stand there");
	if (rest.len != 0)
		failed(check, "bytes behind the last part");
}

static void read_extra(proof *p, bytes extra, const char *check)
{
	bytes head = take(&extra, 24, check, "the extra line");
	size_t entry_len = (size_t)number(head.at + 8, 4),
	       item_len = (size_t)number(head.at + 12, 4);
	size_t priv_len = (size_t)number(head.at + 16, 4);

	if (memcmp(head.at, "EMPF", 4) != 0 || head.at[4] < 1 || head.at[4] > 3 ||
		head.at[5] != 0 || number(head.at + 22, 2) != 0)
		failed(check, "not a proof of format 1, 2 or 3");
	if (head.at[20] > PATH_MAX_HASHES)
		failed(check, "the item's path is too long");
	p->item_index = (uint16_t)number(head.at + 6, 2);
	p->entry = take(&extra, entry_len, check, "the entry");
	p->item = take(&extra, item_len, check, "the item");
	p->item_path = take(&extra, (size_t)head.at[20] * 32, check, "the item's path");
	p->priv = take(&extra, priv_len, check, "the private part");
	read_parts(p, extra, head.at[21], head.at[4], check);
}

/* The decoded bytes stay until the program ends. */
void read_proof(bytes file, proof *p, const char *check)
{
	bytes line = take_line(&file, check);
	uint8_t *extra, hash_text[33];
	size_t len = 0;

	memset(p, 0, sizeof *p);
	if (!starts_with(&line, "c2sp.org/tlog-proof@v1") || line.len != 0)
		failed(check, "the first line is not that of a proof");
	line = take_line(&file, check);
	if (!starts_with(&line, "extra "))
		failed(check, "there is no extra line");
	extra = malloc(line.len / 4 * 3 + 1);
	if (extra == NULL)
		no_memory();
	if (!unbase64(line, extra, &len))
		failed(check, "the extra line is not base64");
	if (len > EXTRA_MAX)
		failed(check, "the extra line is too long");
	read_extra(p, (bytes){extra, len}, check);
	line = take_line(&file, check);
	if (!starts_with(&line, "index "))
		failed(check, "there is no index line");
	p->index = decimal(line, 18, check);
	while ((line = take_line(&file, check)).len != 0) {
		if (p->log_path_len == sizeof p->log_path)
			failed(check, "the entry's path is too long");
		if (line.len != 44 || !unbase64(line, hash_text, &len) || len != 32)
			failed(check, "a hash is spelled wrong");
		memcpy(p->log_path + p->log_path_len, hash_text, 32);
		p->log_path_len += 32;
	}
	p->note = file;
}

/* The N-th part of that type; at NULL when there is none. */
bytes part_of(const proof *p, uint8_t type, size_t n)
{
	for (size_t i = 0; i < p->n_parts; i++)
		if (p->parts[i].type == type && n-- == 0)
			return p->parts[i].data;
	return (bytes){NULL, 0};
}

/* ---- checkpoint ---- */

static int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(const uint8_t *text, size_t digits, uint8_t *out)
{
	for (size_t i = 0; i < digits; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void read_signature(checkpoint *c, bytes line)
{
	signature *s = &c->sigs[c->n_sigs];
	uint8_t name[8];
	size_t len = 0;

	if (c->n_sigs == SIGS_MAX)
		failed("format", "the checkpoint has too many signatures");
	if (!starts_with(&line, "\xe2\x80\x94 emrfs/") || line.len != 32 + 1 + 16 + 1 + 104 ||
		memcmp(line.at, c->net_text, 32) != 0 || line.at[32] != '/' ||
		!unhex(line.at + 33, 16, name) || line.at[49] != ' ' ||
		!unbase64((bytes){line.at + 50, 104}, (uint8_t[78]){0}, &len) || len != 76)
		failed("format", "a signature line of the checkpoint is spelled wrong");
	memcpy(s->name, line.at + 33, 16);
	unbase64((bytes){line.at + 50, 104}, s->bytes, &len);
	c->n_sigs++;
}

void read_checkpoint(bytes note, checkpoint *c)
{
	bytes rest = note, line = take_line(&rest, "format");
	uint8_t root[33];
	size_t len = 0;

	if (note.len > NOTE_MAX)
		failed("format", "the checkpoint is too long");
	memset(c, 0, sizeof *c);
	if (!starts_with(&line, "emrfs/") || line.len != 32 || !unhex(line.at, 32, c->net))
		failed("format", "the checkpoint's origin is spelled wrong");
	memcpy(c->net_text, line.at, 32);
	c->size = decimal(take_line(&rest, "format"), 19, "format");
	line = take_line(&rest, "format");
	if (line.len != 44 || !unbase64(line, root, &len) || len != 32)
		failed("format", "the checkpoint's root is spelled wrong");
	memcpy(c->root, root, 32);
	c->body = (bytes){note.at, (size_t)(rest.at - note.at)};
	if (take_line(&rest, "format").len != 0)
		failed("format", "the checkpoint has lines that are not known");
	while (rest.len > 0)
		read_signature(c, take_line(&rest, "format"));
}
