/* This file writes and reads the private part of a team that is called for: its name, what kind it
 * is, and of a dataset its terms and the agreement that its readers sign. It refuses a part that is
 * not the one of the ledger's row, and an agreement that is not the one of the terms. */
#include <string.h>

#include "base/codec.h"
#include "ledger/hash.h"

#include "teams_private.h"

#define SALT_BYTES 32

/* ---- terms: salt, u8 length, name, u8 kind, x25519[32], before[16], of a dataset sealed[80], u16
 * length, file, and where the file names an agreement u16 length, text; of older teams all behind
 * the kind is lacking ---- */

typedef struct wording {
	emr_team_kind kind;
	const char *name;
	const uint8_t *x25519;
	emr_id16 before;
	const uint8_t *sealed; /* NULL: no dataset */
	emr_bytes file, agreement;
} wording;

static emr_status write_terms(const wording *t, emr_buf *out_part, uint8_t out_hash[32])
{
	emr_id32 salt = emr_id32_random(), hash;
	emr_writer w = emr_writer_of(out_part);
	size_t at = out_part->len, len = strlen(t->name);
	emr_bytes terms;

	if (len == 0 || len > EMR_TEAM_NAME_MAX)
		return EMR_INVALID;
	emr_write_bytes(&w, salt.b, sizeof salt.b);
	emr_write_u8(&w, (uint8_t)len);
	emr_write_bytes(&w, t->name, len);
	emr_write_u8(&w, (uint8_t)t->kind);
	emr_write_bytes(&w, t->x25519, 32);
	emr_write_bytes(&w, t->before.b, sizeof t->before.b);
	if (t->sealed != NULL) {
		emr_write_bytes(&w, t->sealed, EMR_PSEUDONYM_SEALED_BYTES);
		emr_write_u16(&w, (uint16_t)t->file.len);
		emr_write_bytes(&w, t->file.data, t->file.len);
	}
	if (t->agreement.len > 0) {
		emr_write_u16(&w, (uint16_t)t->agreement.len);
		emr_write_bytes(&w, t->agreement.data, t->agreement.len);
	}
	if (w.status != EMR_OK)
		return w.status;
	terms = emr_bytes_of(out_part->data + at + SALT_BYTES, out_part->len - at - SALT_BYTES);
	hash = emr_sha256_of(&terms, 1);
	memcpy(out_hash, hash.b, 32);
	return EMR_OK;
}

emr_status emr_team_terms_make(emr_team_kind kind, const char *name, const uint8_t x25519[32],
	emr_id16 before, emr_buf *out_part, uint8_t out_hash[32])
{
	const wording t = {.kind = kind, .name = name, .x25519 = x25519, .before = before};

	return write_terms(&t, out_part, out_hash);
}

emr_status emr_dataset_terms_make(const char *name, const uint8_t x25519[32], emr_id16 before,
	emr_bytes file, emr_bytes agreement, const uint8_t pseudonym_key[EMR_PSEUDONYM_KEY_BYTES],
	emr_buf *out_part, uint8_t out_hash[32])
{
	uint8_t sealed[EMR_PSEUDONYM_SEALED_BYTES];
	const wording t = {.kind = EMR_TEAM_DATASET,
		.name = name,
		.x25519 = x25519,
		.before = before,
		.sealed = sealed,
		.file = file,
		.agreement = agreement};

	if (file.len > EMR_TERMS_FILE_MAX || agreement.len > EMR_AGREEMENT_MAX)
		return EMR_LIMIT;
	EMR_TRY(emr_pseudonym_key_seal(x25519, name, pseudonym_key, sealed));
	return write_terms(&t, out_part, out_hash);
}

/* The rest of a dataset's terms.  OUT_FILES may be NULL. */
static emr_status read_dataset(emr_reader *r, emr_team *out, emr_bytes *out_files)
{
	const char *what;
	emr_bytes file, agreement = {0};

	emr_read_copy(r, out->sealed, sizeof out->sealed);
	file = emr_read_bytes(r, emr_read_u16(r));
	if (r->bad || emr_terms_parse(file, &out->terms, &what) != EMR_OK)
		return EMR_NOT_FOUND;
	if (out->terms.words[EMR_TERMS_AGREEMENT][0] != '\0') {
		agreement = emr_read_bytes(r, emr_read_u16(r));
		if (r->bad || !emr_agreement_ok(&out->terms, agreement))
			return EMR_NOT_FOUND;
	}
	out->terms_id = emr_sha256_of(&file, 1);
	if (out_files != NULL) {
		out_files[EMR_DATASET_TERMS] = file;
		out_files[EMR_DATASET_AGREEMENT] = agreement;
	}
	return EMR_OK;
}

static bool is_kind(uint8_t kind)
{
	return kind == EMR_TEAM_CHOSEN || kind == EMR_TEAM_STAFF || kind == EMR_TEAM_DATASET;
}

/* The FILES of a dataset borrow from PART; may be NULL. */
static emr_status read_terms(
	emr_bytes part, const uint8_t hash[32], emr_team *out, emr_bytes *out_files)
{
	emr_reader r = emr_reader_of(part);
	emr_bytes title, terms;
	emr_id32 is;
	uint8_t kind;

	if (part.len <= SALT_BYTES)
		return EMR_DAMAGED;
	terms = emr_bytes_of(part.data + SALT_BYTES, part.len - SALT_BYTES);
	is = emr_sha256_of(&terms, 1);
	if (memcmp(is.b, hash, 32) != 0)
		return EMR_DAMAGED;
	(void)emr_read_bytes(&r, SALT_BYTES);
	title = emr_read_bytes(&r, emr_read_u8(&r));
	kind = emr_read_u8(&r);
	out->has_box = !r.bad && r.left > 0;
	memset(out->x25519, 0, sizeof out->x25519);
	out->before = (emr_id16){{0}};
	out->terms_id = (emr_id32){{0}};
	if (out->has_box) {
		emr_read_copy(&r, out->x25519, sizeof out->x25519);
		emr_read_copy(&r, out->before.b, sizeof out->before.b);
	}
	if (kind == EMR_TEAM_DATASET && read_dataset(&r, out, out_files) != EMR_OK)
		return EMR_NOT_FOUND;
	if (!emr_reader_done(&r) || !is_kind(kind) || title.len == 0 ||
		title.len > EMR_TEAM_NAME_MAX || memchr(title.data, '\0', title.len) != NULL)
		return EMR_NOT_FOUND; /* a dataset of another kind */
	out->kind = (emr_team_kind)kind;
	memcpy(out->name, title.data, title.len);
	out->name[title.len] = '\0';
	return kind != EMR_TEAM_DATASET || emr_dataset_name_ok(out->name) ? EMR_OK : EMR_NOT_FOUND;
}

emr_status team_terms_read(emr_bytes part, const uint8_t hash[32], emr_team *out)
{
	return read_terms(part, hash, out, NULL);
}

emr_status emr_dataset_file(
	emr_replica *replica, const emr_team *team, emr_dataset_text which, emr_buf *out)
{
	const emr_part_key key = {.family = EMR_FAMILY_DATASET, .version = 1, .object = team->id};
	EMR_AUTO_BUF part = {0};
	emr_team same = *team;
	emr_bytes files[2] = {{0}};

	EMR_TRY(emr_replica_part(replica, &key, &part));
	EMR_TRY(read_terms(emr_buf_view(&part), team->row.terms, &same, files));
	return emr_buf_append(out, files[which].data, files[which].len);
}
