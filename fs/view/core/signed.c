/* This file says who signed a version and when (`signed-by`, `signed-at`), and opens a version
 * only when its signature, its length and its bytes fit. A signature that does not fit is told to
 * the person, once for each version. */
#include "signed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settle/reopen.h"
#include "settle/history.h"

#include "compare.h"
#include "file.h"
#include "kept.h"
#include "kind.h"

static emr_bytes descriptor_of(const emr_view *view)
{
	return emr_ledger_descriptor(view->options.ledger);
}

static bool is_anothers(const emr_signed *is)
{
	return is->standing == EMR_SIGNED_VALID || is->standing == EMR_SIGNED_STALE;
}

/* Sealed again after it was signed: the bytes prove nothing, so they are compared before the first
 * one is shown. Blocks that are elsewhere are brought home for that, all of them before any is
 * read: a cache might forget the first leaf before the last has come. */
static emr_status compare_now(emr_view *view, emr_content_reader *reader)
{
	uint64_t leaf = 0;
	emr_status status = view->options.fetcher == NULL || view->options.read_only
				    ? EMR_OK
				    : file_take_home(view, reader, UINT64_MAX, &leaf);

	/* To read it no room is needed: then it is compared as far as the cache keeps it. */
	if (status == EMR_READ_ONLY || emr_status_is_full(status))
		status = EMR_OK;
	return status == EMR_OK ? emr_content_reader_verify(reader) : status;
}

/* ---- telling ---- */

static char *path_of(emr_view *view, const node *n)
{
	EMR_LOCKED(&view->lock);

	return kind_path(n);
}

static bool tell(
	emr_view *view, const node *n, const char *id, const emr_signed *is, uint64_t time_unix_s)
{
	char *path;
	emr_shared_notice notice = {.id = id,
		.inside = "",
		.owner = is->by,
		.organisation = is->organisation,
		.time_unix_s = time_unix_s};

	if (view->options.shared_notice == NULL || is->by[0] == 0)
		return false;
	path = path_of(view, n);
	notice.path = path != NULL ? path : "";
	if (notice.organisation[0] == 0)
		notice.organisation = is->by;
	view->options.shared_notice(view->options.shared_notice_arg, &notice);
	free(path);
	return true;
}

/* Once for each version and mount. */
static void tell_stale(emr_view *view, const node *n, const emr_cid *root, const emr_signed *is,
	uint64_t time_unix_s)
{
	bool is_new;

	pthread_mutex_lock(&view->lock);
	is_new = !emr_buf_has(&view->stale_told, emr_bytes_of(root, sizeof *root)) &&
		 emr_buf_append(&view->stale_told, root, sizeof *root) == EMR_OK;
	pthread_mutex_unlock(&view->lock);
	if (is_new)
		(void)tell(view, n, "signature-stale", is, time_unix_s);
}

/* Another says how long a file is where he describes it, and has signed bytes: EMR_DAMAGED when the
 * two differ. */
static emr_status check_length(emr_view *view, const emr_place *place, uint64_t n)
{
	EMR_AUTO_BUF words = {0};
	emr_place then;
	emr_meta meta;

	EMR_TRY(emr_facts_version(view->options.facts, place->domain, place->object,
		place->pversion, place->pversion, &then, &words, &meta));
	return meta.n != n ? EMR_DAMAGED : EMR_OK;
}

static emr_status check_shared_length(emr_view *view, const node *n, emr_content_reader *reader)
{
	EMR_LOCKED(&view->lock);
	const bool fits = !shared_has(n) || n->size == emr_content_reader_content(reader)->n;

	return fits ? EMR_OK : EMR_DAMAGED;
}

/* As it was opened or saved here before.  Whatever does not fit is looked at the long way, which
 * says what it is; but of bytes that are not here it would only miss more. */
static emr_status open_again(
	emr_view *view, const emr_place *place, emr_content_reader **out_reader)
{
	emr_content content;
	emr_content_key *key = NULL;
	emr_status status = emr_facts_reopen(view->options.facts, place, &content);

	if (status == EMR_OK)
		status = emr_content_open_key(view->options.records, &content, &key);
	if (status == EMR_OK)
		status = emr_content_reader_open(view->options.records, &content, key, out_reader);
	emr_content_key_free(key);
	return status;
}

/* Its reader is open: the next time it is only opened again. */
static void note_opened(emr_view *view, const emr_place *place, const emr_content *content,
	const emr_content_key *key)
{
	emr_opened one = {.place = *place, .content = *content};

	if (emr_content_keep_key(view->options.records, &one.content, key) == EMR_OK)
		emr_facts_note_opened(view->options.facts, &one);
}

emr_status signed_open(
	emr_view *view, const node *n, const emr_place *place, emr_content_reader **out_reader)
{
	emr_content_reader *reader = NULL;
	emr_content_key *key = NULL;
	emr_content content;
	emr_whose whose;
	emr_status status;

	status = open_again(view, place, out_reader);
	if (status == EMR_OK || status == EMR_MISSING_DATA)
		return status;
	status = emr_facts_open_signed(
		view->options.facts, descriptor_of(view), place, &content, &key, &whose);
	if (status == EMR_OK && is_anothers(&whose.is) &&
		compare_of(view, &place->root) == COMPARE_DIFFERS)
		status = EMR_BAD_SIGNATURE;
	if (status == EMR_OK)
		status = emr_content_reader_open(view->options.records, &content, key, &reader);
	if (status == EMR_OK && whose.is.verdict == EMR_STATEMENT_VALID_AFTER_HASH)
		status = compare_now(view, reader);
	if (status == EMR_OK)
		status = is_anothers(&whose.is) ? check_length(view, place, content.n) : EMR_OK;
	if (status == EMR_OK && whose.is.standing == EMR_SIGNED_SELF)
		note_opened(view, place, &content, key);
	emr_content_key_free(key);
	if (status != EMR_OK) {
		emr_content_reader_free(reader);
		return status;
	}
	if (is_anothers(&whose.is)) {
		(void)compare_note(view, n, &place->root, reader);
		originals_note(view, n, &place->root, reader);
	}
	if (whose.is.standing == EMR_SIGNED_STALE)
		tell_stale(view, n, &place->root, &whose.is, whose.time_unix_s);
	*out_reader = reader;
	return EMR_OK;
}

emr_status signed_content(
	emr_view *view, const emr_place *place, emr_content *out_content, emr_content_key **out_key)
{
	emr_content_reader *reader = NULL;
	emr_content_key *key = NULL;
	emr_content content;
	emr_whose whose;
	emr_status status = emr_facts_open_signed(
		view->options.facts, descriptor_of(view), place, &content, &key, &whose);

	if (status == EMR_OK && is_anothers(&whose.is) &&
		compare_of(view, &place->root) == COMPARE_DIFFERS)
		status = EMR_BAD_SIGNATURE;
	if (status == EMR_OK && whose.is.verdict == EMR_STATEMENT_VALID_AFTER_HASH)
		status = emr_content_reader_open(view->options.records, &content, key, &reader);
	if (status == EMR_OK && reader != NULL)
		status = compare_now(view, reader);
	emr_content_reader_free(reader);
	if (status != EMR_OK) {
		emr_content_key_free(key);
		return status;
	}
	*out_content = content;
	*out_key = key;
	return EMR_OK;
}

emr_status signed_say(emr_view *view, const emr_place *place, bool is_derived, emr_buf *out)
{
	char text[EMR_SIGNED_BY_BYTES + 100];
	emr_whose whose;
	compare_result compared;

	EMR_TRY(emr_facts_whose(view->options.facts, descriptor_of(view), place, &whose));
	if (whose.is.standing == EMR_SIGNED_NONE)
		return EMR_NO_ATTRIBUTE;
	compared = is_anothers(&whose.is) ? compare_of(view, &place->root) : COMPARE_FITS;
	if (compared == COMPARE_DIFFERS)
		whose.is.standing = EMR_SIGNED_MISMATCH;
	if (is_derived)
		whose.is.kind = EMR_STATEMENT_DERIVED;
	emr_signed_text(&whose.is, "", whose.time_unix_s, compared == COMPARE_FITS,
		emr_whose_note(&whose), text, sizeof text);
	return emr_buf_append(out, text, strlen(text));
}

emr_status signed_say_by(emr_view *view, const emr_place *place, emr_buf *out)
{
	const char *person = view->options.person;
	emr_whose whose;
	emr_status status =
		emr_facts_whose(view->options.facts, descriptor_of(view), place, &whose);

	if (status == EMR_OK && whose.is.standing == EMR_SIGNED_SELF)
		return person != NULL ? emr_buf_append(out, person, strlen(person))
				      : EMR_NO_ATTRIBUTE;
	if (status == EMR_OK && whose.is.by[0] == '\0')
		status = EMR_NO_ATTRIBUTE;
	return status == EMR_OK ? emr_buf_append(out, whose.is.by, strlen(whose.is.by)) : status;
}

/* A number that does not fit is nobody's, and the owner numbers nothing. */
static emr_status say_number(const emr_signed *is, emr_buf *out)
{
	char key[65], text[96];

	if (!is_anothers(is) || is->issuer_seq == 0)
		return EMR_NO_ATTRIBUTE;
	emr_hex(is->issuer.b, sizeof is->issuer.b, key);
	snprintf(text, sizeof text, "%" PRIu64 " %s", is->issuer_seq, key);
	return emr_buf_append(out, text, strlen(text));
}

emr_status signed_say_number(emr_view *view, const emr_place *place, emr_buf *out)
{
	emr_whose whose;

	EMR_TRY(emr_facts_whose(view->options.facts, descriptor_of(view), place, &whose));
	return say_number(&whose.is, out);
}

emr_status signed_at(emr_view *view, const emr_place *place, uint64_t *out_unix_s)
{
	emr_whose whose;

	EMR_TRY(emr_facts_whose(view->options.facts, descriptor_of(view), place, &whose));
	*out_unix_s = whose.time_unix_s;
	return EMR_OK;
}

/* ---- of what another shares ---- */

#define WORDS_MAX 4096

typedef struct shared_words { /* view->lock; the newest first */
	struct shared_words *next;
	emr_shared_word word;
} shared_words;

static emr_shared_word *find_word(const emr_view *view, const emr_cid *root)
{
	for (shared_words *w = view->words; w != NULL; w = w->next)
		if (emr_cid_equal(&w->word.root, root))
			return &w->word;
	return NULL;
}

/* Only so many: a folder of a hundred thousand images says of the last opened ones who signed them.
 */
static void forget_oldest(emr_view *view)
{
	shared_words **at = &view->words;

	for (size_t n = 0; n < WORDS_MAX && *at != NULL; n++)
		at = &(*at)->next;
	while (*at != NULL) {
		shared_words *w = *at;

		*at = w->next;
		free(w);
	}
}

/* Earlier words about the same bytes are over: since then a newer version may have been put aside.
 */
static emr_status remember(emr_view *view, node *n, const emr_shared_word *word)
{
	emr_shared_word *before;
	shared_words *w = NULL;
	EMR_LOCKED(&view->lock);

	if (kind_of(n)->note_checked != NULL)
		kind_of(n)->note_checked(n);
	before = find_word(view, &word->root);
	if (before != NULL)
		*before = *word;
	else
		w = malloc(sizeof *w);
	if (w != NULL) {
		*w = (shared_words){.next = view->words, .word = *word};
		view->words = w;
		forget_oldest(view);
	}
	return EMR_OK;
}

emr_status signed_take_shared(
	emr_view *view, node *n, emr_content_reader *reader, const emr_shared_word *word)
{
	emr_status status = remember(view, n, word);

	if (word->is.kind != 0)
		emr_settle_know_statement(view->options.settle, &word->root, word->is.id);
	if (status == EMR_OK && (word->is.standing == EMR_SIGNED_MISMATCH ||
					(is_anothers(&word->is) &&
						compare_of(view, &word->root) == COMPARE_DIFFERS)))
		status = EMR_BAD_SIGNATURE;
	if (status == EMR_OK && word->is.verdict == EMR_STATEMENT_VALID_AFTER_HASH)
		status = compare_now(view, reader);
	return status == EMR_OK ? check_shared_length(view, n, reader) : status;
}

void signed_note_shared(
	emr_view *view, node *n, emr_content_reader *reader, const emr_shared_word *word)
{
	if (is_anothers(&word->is) && !compare_note(view, n, &word->root, reader))
		kept_doubt(view, n->number); /* no memory: the next opening compares */
	if (word->is.standing == EMR_SIGNED_STALE)
		tell_stale(view, n, &word->root, &word->is, word->time_unix_s);
}

bool signed_stands(const emr_view *view, const node *n)
{
	emr_cid root;

	return kind_of(n)->root(n, &root) && compare_known(view, &root) != COMPARE_DIFFERS;
}

static bool recall(emr_view *view, const emr_cid *root, emr_shared_word *out)
{
	EMR_LOCKED(&view->lock);
	const emr_shared_word *word = find_word(view, root);

	if (word != NULL)
		*out = *word;
	return word != NULL;
}

emr_status signed_shared_say(emr_view *view, const emr_cid *root, const char *owner, emr_buf *out)
{
	char text[EMR_SIGNED_BY_BYTES + 100];
	emr_shared_word word;
	compare_result compared = compare_of(view, root);

	if (!recall(view, root, &word) || word.is.standing == EMR_SIGNED_NONE)
		return EMR_NO_ATTRIBUTE;
	if (compared == COMPARE_DIFFERS)
		word.is.standing = EMR_SIGNED_MISMATCH;
	emr_signed_text(&word.is, owner, word.time_unix_s, compared == COMPARE_FITS,
		emr_shared_word_note(&word), text, sizeof text);
	return emr_buf_append(out, text, strlen(text));
}

emr_status signed_shared_by(emr_view *view, const emr_cid *root, const char *owner, emr_buf *out)
{
	emr_shared_word word;
	const char *by;

	if (!recall(view, root, &word))
		return EMR_NO_ATTRIBUTE;
	by = word.is.by[0] != '\0' ? word.is.by : owner;
	return emr_buf_append(out, by, strlen(by));
}

emr_status signed_shared_number(emr_view *view, const emr_cid *root, emr_buf *out)
{
	emr_shared_word word;

	return recall(view, root, &word) ? say_number(&word.is, out) : EMR_NO_ATTRIBUTE;
}

emr_status signed_shared_at(emr_view *view, const emr_cid *root, uint64_t *out_unix_s)
{
	emr_shared_word word;

	if (!recall(view, root, &word))
		return EMR_NO_ATTRIBUTE;
	*out_unix_s = word.time_unix_s;
	return EMR_OK;
}

bool signed_tell(emr_view *view, node *n)
{
	emr_shared_word word;
	emr_whose whose;
	emr_place place;
	emr_cid root;
	bool is_shared, has_entry;

	pthread_mutex_lock(&view->lock);
	is_shared = shared_has(n);
	has_entry = is_shared && kind_of(n)->root(n, &root);
	place = node_place(n);
	pthread_mutex_unlock(&view->lock);
	if (is_shared)
		return has_entry && recall(view, &root, &word) &&
		       tell(view, n, "bad-signature", &word.is, word.time_unix_s);
	return place.pversion != 0 &&
	       emr_facts_whose(view->options.facts, descriptor_of(view), &place, &whose) ==
		       EMR_OK &&
	       tell(view, n, "bad-signature", &whose.is, whose.time_unix_s);
}

void signed_free(emr_view *view)
{
	emr_buf_free(&view->originals);
	emr_buf_free(&view->stale_told);
	while (view->words != NULL) {
		shared_words *w = view->words;

		view->words = w->next;
		free(w);
	}
}
