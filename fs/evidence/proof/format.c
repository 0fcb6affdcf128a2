/* This file is the text format of proof files (c2sp tlog-proof). It accepts exactly one text for
 * one proof, and refuses everything else. */
#include "proof/proof.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1\n"
#define EXTRA "extra "
#define INDEX "index "
#define HASH_CHARS 44 /* base64 of 32 bytes */
#define INDEX_CHARS 19
#define FIRST_PARTS_MAX 24 /* in format 1 */
#define FIRST_EACH_MAX 4
#define SECOND_PARTS_MAX 112 /* in format 2 */
#define NEWEST 3
#define TEXT_BASE64 sodium_base64_VARIANT_ORIGINAL

void emr_proof_free(emr_proof *proof)
{
	emr_buf_free(&proof->owned);
	*proof = (emr_proof){.index = 0};
}

emr_bytes emr_proof_part_of(const emr_proof *proof, emr_proof_type type, size_t n)
{
	for (size_t i = 0; i < proof->n_parts; i++)
		if (proof->parts[i].type == type && n-- == 0)
			return proof->parts[i].bytes;
	return (emr_bytes){0};
}

/* ---- types ---- */

/* How many of a type may stand there; 0: none is known. */
static size_t most_of(uint8_t type, uint8_t version)
{
	switch (type) {
	case EMR_PROOF_CHAIN:
	case EMR_PROOF_KEY:
		return version == 1 ? FIRST_EACH_MAX : EMR_PROOF_KEYS_MAX;
	case EMR_PROOF_CARD:
		return FIRST_EACH_MAX;
	case EMR_PROOF_DOMAIN:
		return version == 1 ? 0 : 1;
	case EMR_PROOF_ADMISSION:
		return version == 1 ? 0 : EMR_PROOF_ADMISSIONS_MAX;
	case EMR_PROOF_APPROVAL:
		return version == 1 ? 0 : EMR_PROOF_APPROVALS_MAX;
	case EMR_PROOF_FOLLOWED:
		return version < 3 ? 0 : EMR_PROOF_KEYS_MAX;
	default: /* a number of the file */
		return (type >= EMR_PROOF_STATEMENT && type <= EMR_PROOF_DESCRIPTOR) ||
				       (type >= EMR_PROOF_MIME && type <= EMR_PROOF_MANIFEST)
			       ? 1
			       : 0;
	}
}

/* Ascending, each no more often than it may be. */
static bool types_ok(const emr_proof *proof, uint8_t version)
{
	const size_t most = version == 1   ? FIRST_PARTS_MAX
			    : version == 2 ? SECOND_PARTS_MAX
					   : EMR_PROOF_PARTS_MAX;
	size_t repeats = 0;

	if (proof->n_parts > most)
		return false;
	for (size_t i = 0; i < proof->n_parts; i++) {
		uint8_t type = proof->parts[i].type;
		uint8_t before = i == 0 ? 0 : proof->parts[i - 1].type;

		repeats = type == before ? repeats + 1 : 1;
		if (type < before || repeats > most_of(type, version))
			return false;
	}
	return true;
}

/* ---- writing ---- */

static emr_status write_extra(const emr_proof *proof, uint8_t version, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	emr_write_bytes(&w, "EMPF", 4);
	emr_write_u8(&w, version);
	emr_write_u8(&w, 0);
	emr_write_u16(&w, proof->item_index);
	emr_write_u32(&w, (uint32_t)proof->entry.len);
	emr_write_u32(&w, (uint32_t)proof->item.len);
	emr_write_u32(&w, (uint32_t)proof->priv.len);
	emr_write_u8(&w, (uint8_t)proof->item_path.n);
	emr_write_u8(&w, (uint8_t)proof->n_parts);
	emr_write_u16(&w, 0);
	emr_write_bytes(&w, proof->entry.data, proof->entry.len);
	emr_write_bytes(&w, proof->item.data, proof->item.len);
	emr_write_bytes(&w, proof->item_path.hashes, proof->item_path.n * 32);
	emr_write_bytes(&w, proof->priv.data, proof->priv.len);
	for (size_t i = 0; i < proof->n_parts; i++) {
		emr_write_u8(&w, proof->parts[i].type);
		emr_write_u32(&w, (uint32_t)proof->parts[i].bytes.len);
		emr_write_bytes(&w, proof->parts[i].bytes.data, proof->parts[i].bytes.len);
	}
	return w.status;
}

static emr_status append_text(emr_buf *out, const char *text)
{
	return emr_buf_append(out, text, strlen(text));
}

static emr_status append_base64(emr_buf *out, emr_bytes bytes)
{
	size_t room = sodium_base64_encoded_len(bytes.len, TEXT_BASE64);

	EMR_TRY(emr_buf_reserve(out, room));
	sodium_bin2base64((char *)out->data + out->len, room, bytes.data, bytes.len, TEXT_BASE64);
	out->len += room - 1;
	return append_text(out, "\n");
}

static bool lengths_ok(const emr_proof *proof)
{
	size_t sum = proof->entry.len;

	if (proof->entry.len > EMR_PROOF_EXTRA_MAX || proof->item.len > EMR_PROOF_EXTRA_MAX ||
		proof->priv.len > EMR_PROOF_EXTRA_MAX)
		return false;
	sum += proof->item.len + proof->priv.len;
	for (size_t i = 0; i < proof->n_parts; i++) {
		if (proof->parts[i].bytes.len > EMR_PROOF_EXTRA_MAX)
			return false;
		sum += proof->parts[i].bytes.len;
	}
	return sum < EMR_PROOF_EXTRA_MAX - 8192;
}

emr_status emr_proof_format(const emr_proof *proof, emr_buf *out_file)
{
	EMR_AUTO_BUF extra = {0};
	char index[sizeof INDEX + INDEX_CHARS + 4];
	uint8_t version = 1;

	while (version < NEWEST && !types_ok(proof, version))
		version++;
	if (!types_ok(proof, version) || proof->item_path.n > EMR_MERKLE_PATH_MAX ||
		proof->log_path.n > EMR_MERKLE_PATH_MAX)
		return EMR_INVALID;
	if (!lengths_ok(proof))
		return EMR_LIMIT;
	snprintf(index, sizeof index, INDEX "%llu\n", (unsigned long long)proof->index);
	EMR_TRY(write_extra(proof, version, &extra));
	EMR_TRY(append_text(out_file, FIRST_LINE EXTRA));
	EMR_TRY(append_base64(out_file, emr_buf_view(&extra)));
	EMR_TRY(append_text(out_file, index));
	for (size_t i = 0; i < proof->log_path.n; i++)
		EMR_TRY(append_base64(out_file, emr_bytes_of(proof->log_path.hashes[i].b, 32)));
	EMR_TRY(append_text(out_file, "\n"));
	return emr_buf_append(out_file, proof->note.data, proof->note.len);
}

/* ---- reading ---- */

/* The line at the front without its newline, at most MAX bytes; false when there is none. */
static bool take_line(emr_bytes *rest, size_t max, emr_bytes *out_line)
{
	const uint8_t *end;

	if (rest->len == 0)
		return false;
	end = memchr(rest->data, '\n', rest->len < max + 1 ? rest->len : max + 1);
	if (end == NULL)
		return false;
	*out_line = emr_bytes_of(rest->data, (size_t)(end - rest->data));
	rest->data += out_line->len + 1;
	rest->len -= out_line->len + 1;
	return true;
}

static bool take_word(emr_bytes *rest, const char *word)
{
	size_t len = strlen(word);

	if (rest->len < len || memcmp(rest->data, word, len) != 0)
		return false;
	rest->data += len;
	rest->len -= len;
	return true;
}

static bool unbase64(emr_bytes text, uint8_t *out, size_t room, size_t *out_len)
{
	const char *end = NULL;

	return sodium_base642bin(out, room, (const char *)text.data, text.len, NULL, out_len, &end,
		       TEXT_BASE64) == 0 &&
	       end == (const char *)text.data + text.len;
}

static bool parse_index(emr_bytes line, uint64_t *out)
{
	uint64_t value = 0;

	if (!take_word(&line, INDEX) || line.len == 0 || line.len > INDEX_CHARS - 1)
		return false;
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] < '0' || line.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(line.data[i] - '0');
	}
	*out = value;
	return true;
}

static emr_status parse_parts(emr_reader *r, uint8_t count, emr_proof *out)
{
	if (count > EMR_PROOF_PARTS_MAX)
		return EMR_LIMIT;
	for (uint8_t i = 0; i < count; i++) {
		uint8_t type = emr_read_u8(r);
		uint32_t len = emr_read_u32(r);

		out->parts[i] = (emr_proof_part){.type = type, .bytes = emr_read_bytes(r, len)};
	}
	out->n_parts = count;
	return emr_reader_done(r) && types_ok(out, out->version) ? EMR_OK : EMR_DAMAGED;
}

static emr_status parse_extra(emr_proof *out)
{
	emr_reader r = emr_reader_of(emr_buf_view(&out->owned));
	uint32_t entry_len, item_len, priv_len;
	uint8_t path_n, count;

	emr_read_magic(&r, "EMPF");
	out->version = emr_read_u8(&r);
	if (!r.bad && out->version > NEWEST)
		return emr_newer_format(out->version, NEWEST);
	emr_read_zeros(&r, 1);
	out->item_index = emr_read_u16(&r);
	entry_len = emr_read_u32(&r);
	item_len = emr_read_u32(&r);
	priv_len = emr_read_u32(&r);
	path_n = emr_read_u8(&r);
	count = emr_read_u8(&r);
	emr_read_zeros(&r, 2);
	if (r.bad || path_n > EMR_MERKLE_PATH_MAX)
		return EMR_DAMAGED;
	out->entry = emr_read_bytes(&r, entry_len);
	out->item = emr_read_bytes(&r, item_len);
	out->item_path.n = path_n;
	emr_read_copy(&r, out->item_path.hashes, (size_t)path_n * 32);
	out->priv = emr_read_bytes(&r, priv_len);
	return parse_parts(&r, count, out);
}

static emr_status parse_path(emr_bytes *rest, emr_proof *out)
{
	emr_bytes line;
	size_t got;

	for (;;) {
		if (!take_line(rest, HASH_CHARS, &line))
			return EMR_DAMAGED;
		if (line.len == 0)
			return EMR_OK;
		if (out->log_path.n == EMR_MERKLE_PATH_MAX)
			return EMR_LIMIT;
		if (line.len != HASH_CHARS ||
			!unbase64(line, out->log_path.hashes[out->log_path.n].b, 32, &got) ||
			got != 32)
			return EMR_DAMAGED;
		out->log_path.n++;
	}
}

static emr_status parse_file(emr_bytes file, emr_proof *out)
{
	emr_bytes rest = file, line;
	emr_status status;

	if (!take_word(&rest, FIRST_LINE) || !take_word(&rest, EXTRA) ||
		!take_line(&rest, EMR_PROOF_FILE_MAX, &line))
		return EMR_DAMAGED;
	if (line.len / 4 * 3 > EMR_PROOF_EXTRA_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_buf_reserve(&out->owned, line.len / 4 * 3 + 3));
	if (!unbase64(line, out->owned.data, out->owned.cap, &out->owned.len) ||
		!take_line(&rest, INDEX_CHARS + sizeof INDEX, &line) ||
		!parse_index(line, &out->index))
		return EMR_DAMAGED;
	status = parse_extra(out);
	if (status == EMR_OK)
		status = parse_path(&rest, out);
	out->note = rest;
	return status;
}

emr_status emr_proof_parse(emr_bytes file, emr_proof *out_proof)
{
	EMR_AUTO_PROOF proof = {.index = 0};
	EMR_AUTO_BUF again = {0};

	if (file.len > EMR_PROOF_FILE_MAX)
		return EMR_LIMIT;
	EMR_TRY(parse_file(file, &proof));
	/* One text a proof: whatever is spelled otherwise does not come out again. */
	EMR_TRY(emr_proof_format(&proof, &again));
	if (!emr_bytes_equal(emr_buf_view(&again), file))
		return EMR_DAMAGED;
	*out_proof = proof;
	proof.owned = (emr_buf){0};
	return EMR_OK;
}
