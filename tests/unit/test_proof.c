/* These tests are about proof files: good ones are sound, and each thing that can be wrong is
 * named by emrfs and by examples/verify-audit, which share no code, with the same word. */
#include <sodium.h>

#include "contract/codes.h"
#include "proof_both.h"
#include "proof_kit.h"

#include "record/format.h"

#define PATH_BYTES 96

typedef struct bench {
	char dir[64];
	emr_keyring *patient, *stranger;
} bench;

static bench b;

/* ---- asking both ---- */

static void path_of(const char *name, char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, "%s/%s", b.dir, name);
}

/* COPY data NULL = none. */
static void both_say(emr_bytes file, emr_bytes copy, const char *wanted)
{
	char proof_path[PATH_BYTES], copy_path[PATH_BYTES];

	path_of("proof", proof_path);
	path_of("copy", copy_path);
	if (copy.data != NULL)
		both_write(copy_path, copy);
	both_say_at(proof_path, file, copy.data != NULL ? copy_path : NULL, wanted);
}

/* ---- making ---- */

static const uint8_t *text_of(size_t len)
{
	static uint8_t text[700000];

	assert_true(len <= sizeof text);
	for (size_t i = 0; i < len; i++)
		text[i] = (uint8_t)(i * 31 + (i >> 8));
	return text;
}

static kit_wish usual(void)
{
	kit_wish wish = kit_usual;

	wish.keyring = b.patient;
	wish.text_len = 5000;
	wish.text = text_of(wish.text_len);
	return wish;
}

static void make_file(const kit_wish *wish, emr_buf *out)
{
	AUTO(kit_free) kit_proof kit;

	kit_make(wish, &kit);
	assert_ok(emr_proof_format(&kit.proof, out));
}

static void wish_gives(const kit_wish *wish, const char *wanted)
{
	EMR_AUTO_BUF file = {0};

	make_file(wish, &file);
	both_say(emr_buf_view(&file), emr_bytes_of(wish->text, wish->text_len), wanted);
}

/* ---- good ones ---- */

TEST(a_proof_shows_documents_of_every_length)
{
	static const size_t lengths[] = {0, 1, 16383, 16384, 262143, 262144, 262145, 700000};

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		kit_wish wish = usual();

		wish.text = text_of(lengths[i]);
		wish.text_len = lengths[i];
		wish_gives(&wish, "");
	}
}

TEST(a_proof_stands_anywhere_in_batch_and_log)
{
	static const size_t shapes[][4] = {
		{1, 0, 3, 2}, {8, 7, 4, 3}, {5, 4, 33, 32}, {7, 3, 64, 17}};

	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		kit_wish wish = usual();

		wish.items = shapes[i][0];
		wish.item = shapes[i][1];
		wish.entries = shapes[i][2];
		wish.entry = shapes[i][3];
		wish_gives(&wish, "");
		wish.op = EMR_OP_REWRAP;
		wish_gives(&wish, "");
		wish.is_of_channel = true;
		wish_gives(&wish, "");
	}
}

TEST(a_file_comes_out_as_it_went_in)
{
	kit_wish wish = usual();
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF again = {0};
	EMR_AUTO_PROOF proof = {.index = 0};

	make_file(&wish, &file);
	assert_ok(emr_proof_parse(emr_buf_view(&file), &proof));
	assert_int_equal(proof.n_parts, 10);
	assert_ok(emr_proof_format(&proof, &again));
	assert_true(emr_bytes_equal(emr_buf_view(&file), emr_buf_view(&again)));
}

/* ---- signed wrongly ---- */

TEST(what_is_signed_wrongly_is_named)
{
	static const struct {
		kit_spoil spoil;
		const char *step;
	} cases[] = {{KIT_REGISTRATION, "key"}, {KIT_BIND, "certificate"},
		{KIT_COSIGNATURE, "checkpoint"}, {KIT_NO_COSIGNATURE, "checkpoint"},
		{KIT_SUBMIT_SIGNATURE, "entry"}, {KIT_BATCH_SIGNATURE, "batch"},
		{KIT_OTHER_HOST, "entry"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		kit_wish wish = usual();

		wish.spoil = cases[i].spoil;
		wish_gives(&wish, cases[i].step);
		wish.is_of_channel = true;
		wish_gives(&wish, cases[i].step);
	}
}

/* The document is about the person under the key before; what is said of it goes through both. */
TEST(a_key_that_follows_another_is_that_person_s_when_both_say_so)
{
	kit_wish wish = usual();
	AUTO(kit_free) kit_proof kit;
	EMR_AUTO_BUF file = {0};
	emr_proof_verdict verdict;

	wish.next = b.stranger;
	make_file(&wish, &file);
	both_say(emr_buf_view(&file), emr_bytes_of(wish.text, wish.text_len), "");
	assert_ok(emr_proof_check(emr_buf_view(&file), -1, NULL, &verdict));
	assert_string_equal(verdict.signer, "patient-test");
	wish.spoil = KIT_DISAGREES;
	wish_gives(&wish, "key");
	wish.spoil = KIT_COSIGNATURE;
	wish_gives(&wish, "checkpoint");
	wish.spoil = KIT_SOUND;
	wish.is_other_patient = true;
	wish_gives(&wish, "patient");
	wish.is_other_patient = false;
	kit_make(&wish, &kit);
	kit.proof.n_parts--; /* without the key that follows nobody known signed */
	emr_buf_clear(&file);
	assert_ok(emr_proof_format(&kit.proof, &file));
	both_say(emr_buf_view(&file), (emr_bytes){0}, "checkpoint");
	kit.proof.n_parts++;
	*kit_part(&kit, EMR_PROOF_FOLLOWED) = (emr_proof_part){
		.type = EMR_PROOF_FOLLOWED, .bytes = kit_part(&kit, EMR_PROOF_KEY)->bytes};
	emr_buf_clear(&file);
	assert_ok(emr_proof_format(&kit.proof, &file));
	both_say(emr_buf_view(&file), (emr_bytes){0}, "key");
}

TEST(a_certificate_must_be_in_force_and_of_this_network)
{
	kit_wish expired = usual(), early = usual(), foreign = usual(), unnamed = usual();
	kit_wish guest = usual();

	expired.cert_to = expired.entry_time - 5;
	wish_gives(&expired, "certificate");
	early.cert_from = early.entry_time + 5;
	wish_gives(&early, "certificate");
	foreign.ca = b.stranger;
	wish_gives(&foreign, "certificate");
	/* Whose it is, its CA says; without a role besides it was given for something else. */
	unnamed.has_no_org = true;
	wish_gives(&unnamed, "");
	unnamed.has_no_role = true;
	wish_gives(&unnamed, "certificate");
	guest.has_other_org = true; /* as an invitation has it */
	wish_gives(&guest, "certificate");
}

TEST(an_authority_between_is_shown_and_in_force)
{
	kit_wish wish = usual(), ended = usual();
	EMR_AUTO_BUF file = {0};
	emr_proof_part *part;
	AUTO(kit_free) kit_proof kit;

	wish.between_to = wish.entry_time; /* its last second */
	wish_gives(&wish, "");
	ended.between_to = ended.entry_time - 1;
	wish_gives(&ended, "certificate");
	/* Left out: nobody is the CA's by what is not shown. */
	kit_make(&wish, &kit);
	part = kit_part(&kit, EMR_PROOF_CHAIN);
	{
		size_t leaf = ((size_t)kit.chain.data[2] << 8 | kit.chain.data[3]) + 4;

		memmove(kit.chain.data + leaf, kit.chain.data + kit.chain.len - kit.ca.len,
			kit.ca.len);
		part->bytes.len = leaf + kit.ca.len;
	}
	assert_ok(emr_proof_format(&kit.proof, &file));
	both_say(emr_buf_view(&file), emr_bytes_of(wish.text, wish.text_len), "certificate");
}

TEST(what_the_ledger_refused_proves_nothing)
{
	kit_wish refused = usual(), rename = usual();

	refused.result = EMR_RESULT_NOT_AUTHORISED;
	wish_gives(&refused, "result");
	rename.op = EMR_OP_META;
	wish_gives(&rename, "item");
}

TEST(a_statement_about_somebody_or_something_else_is_refused)
{
	kit_wish patient = usual(), record = usual();

	patient.is_other_patient = true;
	wish_gives(&patient, "patient");
	record.is_other_record = true;
	wish_gives(&record, "statement");
}

TEST(another_network_than_the_wanted_one_is_refused)
{
	const emr_id16 other = {{1}};
	kit_wish wish = usual();
	emr_proof_verdict verdict;
	char path[PATH_BYTES], command[256];
	EMR_AUTO_BUF file = {0};

	make_file(&wish, &file);
	assert_ok(emr_proof_check(emr_buf_view(&file), -1, &other, &verdict));
	assert_int_equal(verdict.step, EMR_PROOF_BAD_NETWORK);
	path_of("proof", path);
	both_write(path, emr_buf_view(&file));
	snprintf(command, sizeof command,
		"'%s' --network 01000000000000000000000000000000 '%s' | grep -q '^FAILED network:'",
		EMR_VERIFY_AUDIT, path);
	assert_int_equal(system(command), 0);
}

/* ---- changed afterwards ---- */

/* One bit of a part, or of the pieces before them. */
typedef struct flip {
	const char *step;
	uint8_t type; /* 0: the piece */
	enum { ENTRY, ITEM, ITEM_PATH, LOG_PATH, PRIV, NOTE } piece;
	size_t at;
} flip;

static void flip_bit(kit_proof *kit, const flip *f)
{
	emr_bytes *pieces[] = {[ENTRY] = &kit->proof.entry,
		[ITEM] = &kit->proof.item,
		[PRIV] = &kit->proof.priv,
		[NOTE] = &kit->proof.note};

	if (f->type != 0)
		((uint8_t *)(uintptr_t)kit_part(kit, (emr_proof_type)f->type)->bytes.data)[f->at] ^=
			1;
	else if (f->piece == ITEM_PATH)
		kit->proof.item_path.hashes[0].b[f->at] ^= 1;
	else if (f->piece == LOG_PATH)
		kit->proof.log_path.hashes[1].b[f->at] ^= 1;
	else
		((uint8_t *)(uintptr_t)pieces[f->piece]->data)[f->at] ^= 1;
}

TEST(one_bit_that_changed_is_named)
{
	static const flip flips[] = {
		{.step = "log-path", .piece = ENTRY, .at = 23},	 /* ledger_time */
		{.step = "log-path", .piece = ENTRY, .at = 376}, /* a result */
		{.step = "format", .piece = ENTRY, .at = 0},
		{.step = "format", .piece = ENTRY, .at = 71},
		{.step = "log-path", .piece = LOG_PATH, .at = 3},
		{.step = "item", .piece = ITEM, .at = 60},
		{.step = "format", .piece = ITEM, .at = 4},
		{.step = "item", .piece = ITEM_PATH, .at = 3},
		{.step = "private-part", .piece = PRIV, .at = 0},
		{.step = "private-part", .piece = PRIV, .at = 80},
		{.step = "statement", .type = EMR_PROOF_STATEMENT, .at = 0},
		{.step = "owner", .type = EMR_PROOF_STATEMENT, .at = 16},
		{.step = "statement", .type = EMR_PROOF_STATEMENT, .at = 50},
		{.step = "statement", .type = EMR_PROOF_STATEMENT, .at = 140},
		{.step = "content", .type = EMR_PROOF_STATEMENT, .at = 260},
		{.step = "statement", .type = EMR_PROOF_STATEMENT, .at = 330},
		{.step = "certificate", .type = EMR_PROOF_CHAIN, .at = 100},
		{.step = "copy", .type = EMR_PROOF_HK, .at = 0},
		{.step = "network", .type = EMR_PROOF_DESCRIPTOR, .at = 20},
		{.step = "key", .type = EMR_PROOF_KEY, .at = 500},
		{.step = "type", .type = EMR_PROOF_MIME, .at = 3},
		{.step = "type", .type = EMR_PROOF_MIME, .at = 0},
		{.step = "owner", .type = EMR_PROOF_CARD, .at = 120},
		{.step = "owner", .type = EMR_PROOF_CARD, .at = 190},
		{.step = "owner", .type = EMR_PROOF_CARD, .at = 260},
		{.step = "patient", .type = EMR_PROOF_PATIENT, .at = 1},
		{.step = "content", .type = EMR_PROOF_DIRECTORY, .at = 9},
		{.step = "content", .type = EMR_PROOF_MANIFEST, .at = 41},
		{.step = "content", .type = EMR_PROOF_MANIFEST, .at = 900},
	};

	for (size_t i = 0; i < sizeof flips / sizeof *flips; i++) {
		kit_wish wish = usual();
		EMR_AUTO_BUF file = {0};
		kit_proof kit;

		kit_make(&wish, &kit);
		flip_bit(&kit, &flips[i]);
		assert_ok(emr_proof_format(&kit.proof, &file));
		both_say(
			emr_buf_view(&file), emr_bytes_of(wish.text, wish.text_len), flips[i].step);
		kit_free(&kit);
	}
}

TEST(a_checkpoint_that_the_key_is_not_under_is_refused)
{
	kit_wish wish = usual();
	EMR_AUTO_BUF file = {0};
	uint8_t *digit;
	AUTO(kit_free) kit_proof kit;

	kit_make(&wish, &kit);
	digit = &kit.note.data[kit.note.len - 20]; /* inside the signature, in base64 */
	*digit = *digit == 'A' ? 'B' : 'A';
	assert_ok(emr_proof_format(&kit.proof, &file));
	both_say(emr_buf_view(&file), (emr_bytes){0}, "key");
}

TEST(places_and_paths_must_be_those_of_the_tree)
{
	kit_wish wish = usual();

	for (int i = 0; i < 6; i++) {
		static const char *const steps[] = {
			"log-path", "log-path", "log-path", "item", "item", "item"};
		EMR_AUTO_BUF file = {0};
		kit_proof kit;

		kit_make(&wish, &kit);
		switch (i) {
		case 0:
			kit.proof.index++;
			break;
		case 1:
			kit.proof.log_path.n++;
			break;
		case 2:
			kit.proof.log_path.n--;
			break;
		case 3:
			kit.proof.item_index = 0;
			break;
		case 4:
			kit.proof.item_index = 999; /* not in the batch at all */
			break;
		case 5:
			kit.proof.item_path.n--;
			break;
		}
		assert_ok(emr_proof_format(&kit.proof, &file));
		both_say(emr_buf_view(&file), (emr_bytes){0}, steps[i]);
		kit_free(&kit);
	}
}

TEST(a_part_that_is_missing_is_noticed)
{
	kit_wish wish = usual();
	AUTO(kit_free) kit_proof kit;

	kit_make(&wish, &kit);
	for (size_t missing = 0; missing < 10; missing++) {
		emr_proof less = kit.proof;
		EMR_AUTO_BUF file = {0};

		memmove(&less.parts[missing], &less.parts[missing + 1],
			(9 - missing) * sizeof less.parts[0]);
		less.n_parts--;
		assert_ok(emr_proof_format(&less, &file));
		both_say(emr_buf_view(&file), (emr_bytes){0}, "format");
	}
	kit.proof.priv = (emr_bytes){0};
	{
		EMR_AUTO_BUF file = {0};

		assert_ok(emr_proof_format(&kit.proof, &file));
		both_say(emr_buf_view(&file), (emr_bytes){0}, "format");
	}
}

TEST(a_wrong_copy_is_named)
{
	kit_wish wish = usual();
	EMR_AUTO_FREE uint8_t *copy = malloc(wish.text_len + 1);
	EMR_AUTO_BUF file = {0};

	assert_non_null(copy);
	make_file(&wish, &file);
	memcpy(copy, wish.text, wish.text_len);
	copy[wish.text_len] = 0;
	both_say(emr_buf_view(&file), emr_bytes_of(copy, wish.text_len), "");
	both_say(emr_buf_view(&file), emr_bytes_of(copy, wish.text_len - 1), "copy");
	both_say(emr_buf_view(&file), emr_bytes_of(copy, wish.text_len + 1), "copy");
	copy[4999] ^= 1;
	both_say(emr_buf_view(&file), emr_bytes_of(copy, wish.text_len), "copy");
}

TEST(a_copy_of_a_document_with_holes_is_compared_like_any)
{
	kit_wish wish = usual();
	size_t len = 3 * EMR_LEAF_BYTES + 100;
	EMR_AUTO_FREE uint8_t *text = calloc(1, len), *copy = calloc(1, len);
	EMR_AUTO_BUF file = {0}, other = {0};

	assert_non_null(text);
	assert_non_null(copy);
	memcpy(text + EMR_LEAF_BYTES, "the one segment that was written", 32);
	memcpy(copy, text, len);
	wish.text = text;
	wish.text_len = len;
	wish.has_holes = true;
	make_file(&wish, &file);
	both_say(emr_buf_view(&file), emr_bytes_of(copy, len), "");
	copy[2 * EMR_LEAF_BYTES + 7] = 1;
	both_say(emr_buf_view(&file), emr_bytes_of(copy, len), "copy");
	/* The same bytes, all of which were written. */
	wish.has_holes = false;
	make_file(&wish, &other);
	both_say(emr_buf_view(&other), emr_bytes_of(text, len), "");
}

/* ---- the text ---- */

TEST(a_file_that_is_cut_proves_nothing)
{
	kit_wish wish = usual();
	EMR_AUTO_BUF file = {0};

	make_file(&wish, &file);
	for (size_t len = 0; len < file.len; len += 37)
		assert_string_equal(both_emrfs(emr_bytes_of(file.data, len), NULL), "format");
	both_say(emr_bytes_of(file.data, file.len - 1), (emr_bytes){0}, "format");
	both_say(emr_bytes_of(file.data, file.len / 2), (emr_bytes){0}, "format");
	both_say(emr_bytes_of(file.data, 10), (emr_bytes){0}, "format");
	both_say(emr_bytes_of(file.data, 0), (emr_bytes){0}, "format");
}

TEST(trailing_bytes_are_refused)
{
	static const char *const tails[] = {"\n", "x", " ", "\n\n", "index 1\n"};
	kit_wish wish = usual();

	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
		EMR_AUTO_BUF file = {0};

		make_file(&wish, &file);
		assert_ok(emr_buf_append(&file, tails[i], strlen(tails[i])));
		both_say(emr_buf_view(&file), (emr_bytes){0}, "format");
	}
}

TEST(a_file_that_is_too_long_is_refused)
{
	kit_wish wish = usual();
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_BUF big = {0};
	emr_proof proof = {.note = emr_bytes_of("", 0)};

	make_file(&wish, &file);
	assert_ok(emr_buf_append_zeros(&file, EMR_PROOF_FILE_MAX));
	both_say(emr_buf_view(&file), (emr_bytes){0}, "format");
	assert_ok(emr_buf_append_zeros(&big, EMR_PROOF_EXTRA_MAX));
	proof.entry = emr_buf_view(&big);
	emr_buf_clear(&file);
	assert_status(EMR_LIMIT, emr_proof_format(&proof, &file));
}

/* The extra line decoded, changed by CHANGE, and written again. */
static void rewrite_extra(const emr_buf *file, size_t at, uint8_t value, emr_buf *out)
{
	const char *line = strstr((const char *)file->data, "\nextra ") + 7;
	size_t len = strcspn(line, "\n"), got = 0;
	EMR_AUTO_FREE uint8_t *extra = malloc(len);
	EMR_AUTO_FREE char *text = malloc(len + 4);

	assert_true(extra != NULL && text != NULL);
	assert_int_equal(sodium_base642bin(extra, len, line, len, NULL, &got, NULL,
				 sodium_base64_VARIANT_ORIGINAL),
		0);
	assert_true(at < got);
	extra[at] = value;
	sodium_bin2base64(text, len + 4, extra, got, sodium_base64_VARIANT_ORIGINAL);
	assert_ok(emr_buf_append(out, file->data, (size_t)(line - (const char *)file->data)));
	assert_ok(emr_buf_append(out, text, strlen(text)));
	assert_ok(emr_buf_append(
		out, line + len, file->len - (size_t)(line + len - (const char *)file->data)));
}

static size_t extra_len(const emr_buf *file)
{
	const char *line = strstr((const char *)file->data, "\nextra ") + 7;

	return strcspn(line, "\n") / 4 * 3 - 2;
}

TEST(the_head_of_the_extra_has_one_spelling)
{
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = {{0, 'X'}, {4, 2}, {5, 1}, {8, 255}, {20, 65}, {21, 9}, {21, 11}, {21, 25},
		{22, 1}, {23, 1}};
	kit_wish wish = usual();
	EMR_AUTO_BUF file = {0};

	make_file(&wish, &file);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		EMR_AUTO_BUF changed = {0};

		rewrite_extra(&file, cases[i].at, cases[i].value, &changed);
		both_say(emr_buf_view(&changed), (emr_bytes){0}, "format");
	}
}

TEST(no_byte_of_the_extra_can_change_unseen)
{
	kit_wish wish = usual();
	EMR_AUTO_BUF file = {0};
	size_t len;
	unsigned compared = 0;

	make_file(&wish, &file);
	assert_ok(emr_buf_append(&file, "", 1)); /* a NUL for strstr */
	file.len--;
	len = extra_len(&file);
	for (size_t at = 0; at < len; at += 5) {
		EMR_AUTO_BUF changed = {0};
		char copy_path[PATH_BYTES];

		rewrite_extra(&file, at, 0x3c, &changed);
		if (emr_bytes_equal(emr_buf_view(&changed), emr_buf_view(&file)))
			continue;
		path_of("copy", copy_path);
		both_write(copy_path, emr_bytes_of(wish.text, wish.text_len));
		assert_string_not_equal(both_emrfs(emr_buf_view(&changed), copy_path), "");
		if (compared++ % 16 == 0)
			both_say(emr_buf_view(&changed), emr_bytes_of(wish.text, wish.text_len),
				both_emrfs(emr_buf_view(&changed), copy_path));
	}
	assert_true(compared > 500);
}

static void replace(emr_buf *file, const char *old, const char *new)
{
	char *at;
	emr_buf out = {0};

	assert_ok(emr_buf_append(file, "", 1));
	file->len--;
	at = strstr((char *)file->data, old);
	assert_non_null(at);
	assert_ok(emr_buf_append(&out, file->data, (size_t)(at - (char *)file->data)));
	assert_ok(emr_buf_append(&out, new, strlen(new)));
	assert_ok(emr_buf_append(&out, at + strlen(old),
		file->len - (size_t)(at - (char *)file->data) - strlen(old)));
	emr_buf_free(file);
	*file = out;
}

TEST(every_line_has_one_spelling)
{
	static const struct {
		const char *old, *new;
	} cases[] = {{"@v1\n", "@v2\n"}, {"@v1\n", "@v1\r\n"}, {"extra ", "extra  "},
		{"extra ", ""}, {"index 4\n", "index 04\n"}, {"index 4\n", "index +4\n"},
		{"index 4\n", "index \n"}, {"index 4\n", "index 4 \n"}, {"index 4\n", ""},
		{"\n6\n", "\n06\n"}, {"\n6\n", "\n6\nextension\n"}, {"\n\nemrfs/", "\n\n\nemrfs/"},
		{"\n\nemrfs/", "\nemrfs/"}, {"\n\nemrfs/", "\n\nEMRFS/"},
		{"\xe2\x80\x94 emrfs", "- emrfs"}};
	kit_wish wish = usual();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		EMR_AUTO_BUF file = {0};

		make_file(&wish, &file);
		replace(&file, cases[i].old, cases[i].new);
		both_say(emr_buf_view(&file), (emr_bytes){0}, "format");
	}
}

/* ---- */

AROUND(begin)
{
	assert_ok(emr_base_init());
	strcpy(b.dir, "/tmp/emrfs-proof-XXXXXX");
	assert_non_null(mkdtemp(b.dir));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_TIME, &b.patient));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_TIME, &b.stranger));
}

AROUND(end)
{
	char path[PATH_BYTES];

	path_of("proof", path);
	unlink(path);
	path_of("copy", path);
	unlink(path);
	rmdir(b.dir);
	emr_keyring_free(b.patient);
	emr_keyring_free(b.stranger);
}

TESTS(begin, end)
