/* This file tells what time it is by the entries of others. Each key's newest entry counts, so a
 * clock that is put right is forgiven, and the keys of one certificate count once. */
#include "chain_private.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/log.h"

#define CLOCKS "clocks"	  /* meta row: size u64, leaf[32] of its last entry, numbers u64 */
#define CLOCKS_EVERY 1024 /* entries */

/* The newest entry of one key. */
struct chain_word {
	uint8_t submitter[32];
	uint64_t seq;
	uint64_t time;
};

static emr_status note_word(chain_clocks *clocks, const emr_entry *entry)
{
	chain_word *word = NULL;

	for (size_t i = clocks->n; word == NULL && i-- > 0;)
		if (memcmp(clocks->words[i].submitter, entry->submitter_id, 32) == 0)
			word = &clocks->words[i];
	if (word == NULL && clocks->n == clocks->cap) {
		size_t cap = clocks->cap ? 2 * clocks->cap : 16;
		chain_word *more = realloc(clocks->words, cap * sizeof *more);

		if (more == NULL)
			return EMR_NO_MEMORY;
		clocks->words = more;
		clocks->cap = cap;
	}
	if (word == NULL)
		word = &clocks->words[clocks->n++];
	memcpy(word->submitter, entry->submitter_id, 32);
	word->seq = entry->seq;
	word->time = entry->ledger_time_unix_s;
	return EMR_OK;
}

/* What was read stands for the first SIZE entries; a transaction that was rolled back, or a file
 * that was put back, has others. */
static bool are_same_entries(emr_chain *chain, uint64_t size)
{
	const chain_clocks *clocks = &chain->clocks;
	uint8_t leaf[32];

	return clocks->size == 0 ||
	       (clocks->size <= size && emr_chain_leaf(chain, clocks->size - 1, leaf) == EMR_OK &&
		       memcmp(leaf, clocks->leaf, 32) == 0);
}

/* Whoever is judged by the time of an entry is judged by the one that was signed. */
static emr_status read_word(emr_chain *chain, uint64_t seq, emr_bytes bytes)
{
	uint8_t leaf[32], wanted[32];
	emr_entry entry;
	emr_status status = emr_chain_leaf(chain, seq, wanted);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	emr_entry_leaf(span_of(bytes), leaf);
	if (memcmp(leaf, wanted, sizeof leaf) != 0)
		return EMR_DAMAGED;
	/* Entry 0 is none of anybody's. */
	return emr_entry_parse(span_of(bytes), &entry) == EMR_CONTRACT_OK
		       ? note_word(&chain->clocks, &entry)
		       : EMR_OK;
}

/* The first time, the newest entry of each submitter is enough: a ledger has far more entries.
 * Where there is no index the next submitter would be looked for among all of them each time. */
static emr_status choose_words(emr_chain *chain, bool is_first, sqlite3_stmt **out)
{
	emr_status status;

	if (!is_first)
		return emr_sql_use(&chain->sql, ENTRIES_FROM, out);
	status = emr_sql_use(&chain->sql, HAS_SUBMITTERS, out);
	if (status == EMR_OK)
		status = emr_sql_step(*out);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	(void)sqlite3_reset(*out);
	return emr_sql_use(
		&chain->sql, status == EMR_OK ? ENTRIES_NEWEST_INDEXED : ENTRIES_NEWEST, out);
}

/* What another program left, if it is of these SIZE entries; *OUT_SIZE: of how many of them, 0: it
 * left nothing that helps. */
static emr_status find_left(emr_chain *chain, uint64_t size, emr_buf *row, uint64_t *out_size)
{
	uint8_t leaf[32];
	uint64_t left;
	emr_status status = chain_meta_get(chain, CLOCKS, row);

	*out_size = 0;
	if (status != EMR_OK || row->len < 40 || row->len % 8 != 0)
		return status;
	left = emr_get_u64(row->data);
	if (left == 0 || left > size)
		return EMR_OK;
	status = emr_chain_leaf(chain, left - 1, leaf);
	if (status == EMR_OK && memcmp(leaf, row->data + 8, sizeof leaf) == 0)
		*out_size = left;
	return status;
}

/* It says where to look; what stands there the entries say.  Where it is wrong all are looked
 * through, and whatever is damaged is met then. */
static emr_status read_left(emr_chain *chain, uint64_t size)
{
	EMR_AUTO_BUF row = {0};
	EMR_AUTO_BUF entry = {0};
	uint64_t left = 0;
	emr_status status = find_left(chain, size, &row, &left);

	for (size_t at = 40; status == EMR_OK && left > 0 && at < row.len; at += 8) {
		uint64_t seq = emr_get_u64(row.data + at);

		status = seq < left ? emr_chain_entry(chain, seq, &entry, NULL) : EMR_DAMAGED;
		if (status == EMR_OK)
			status = read_word(chain, seq, emr_buf_view(&entry));
	}
	if (status == EMR_OK)
		chain->clocks.size = chain->clocks.left = left;
	else
		chain_clocks_free(&chain->clocks);
	return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
}

emr_status emr_chain_leave_words(emr_chain *chain)
{
	chain_clocks *clocks = &chain->clocks;
	EMR_AUTO_BUF row = {0};
	emr_writer w = emr_writer_of(&row);

	if (clocks->size < clocks->left + CLOCKS_EVERY)
		return EMR_OK;
	emr_write_u64(&w, clocks->size);
	emr_write_bytes(&w, clocks->leaf, sizeof clocks->leaf);
	for (size_t i = 0; i < clocks->n; i++)
		emr_write_u64(&w, clocks->words[i].seq);
	if (w.status != EMR_OK)
		return w.status;
	clocks->left = clocks->size;
	return chain_meta_put(chain, CLOCKS, emr_buf_view(&row));
}

static emr_status read_words(emr_chain *chain, uint64_t size)
{
	chain_clocks *clocks = &chain->clocks;
	sqlite3_stmt *s;
	emr_status status = clocks->size == 0 ? read_left(chain, size) : EMR_OK;

	if (status == EMR_OK)
		status = choose_words(chain, clocks->size == 0, &s);
	if (status != EMR_OK) {
		chain_clocks_free(clocks);
		return status;
	}
	if (clocks->size > 0)
		emr_sql_bind_u64(s, 1, clocks->size);
	while ((status = emr_sql_step(s)) == EMR_OK) {
		status = read_word(chain, emr_sql_u64(s, 0), emr_sql_bytes(s, 1));
		if (status != EMR_OK)
			break;
	}
	(void)sqlite3_reset(s);
	if (status == EMR_NOT_FOUND)
		status = emr_chain_leaf(chain, size - 1, clocks->leaf);
	if (status != EMR_OK) {
		chain_clocks_free(clocks);
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	}
	clocks->size = size;
	return EMR_OK;
}

void chain_clocks_hear(emr_chain *chain, const emr_entry *entry, const uint8_t leaf[32])
{
	chain_clocks *clocks = &chain->clocks;

	if (clocks->size == 0 || clocks->size != entry->seq ||
		memcmp(clocks->leaf, entry->prev_entry, sizeof clocks->leaf) != 0)
		return;
	if (note_word(clocks, entry) != EMR_OK) {
		chain_clocks_free(clocks);
		return;
	}
	memcpy(clocks->leaf, leaf, sizeof clocks->leaf);
	clocks->size++;
}

static emr_status key_row(emr_chain *chain, const uint8_t id[32], emr_row_key *out)
{
	EMR_AUTO_BUF value = {0};
	emr_key_text key;
	emr_status status;

	emr_key_signer(id, &key);
	status = emr_chain_row(chain, key.text, &value, NULL, NULL);
	if (status != EMR_OK)
		return status;
	return emr_row_key_parse(span_of(emr_buf_view(&value)), out) == EMR_CONTRACT_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

/* The certificate that vouches for a key in force, of a device the one of its person. */
static emr_status person_of(emr_chain *chain, const uint8_t id[32], uint8_t out[32], bool *out_is)
{
	emr_row_key row;
	emr_status status = key_row(chain, id, &row);

	*out_is = status == EMR_OK && row.head.state == EMR_KEY_ACTIVE;
	if (*out_is && row.how == EMR_HOW_DEVICE)
		status = key_row(chain, row.ref, &row);
	*out_is = *out_is && status == EMR_OK;
	if (*out_is)
		memcpy(out, row.ref, 32);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* One word a person, the newest. */
static void unite_words(chain_word *words, size_t *n, const chain_word *word)
{
	for (size_t i = 0; i < *n; i++)
		if (memcmp(words[i].submitter, word->submitter, 32) == 0) {
			if (words[i].seq < word->seq)
				words[i] = *word;
			return;
		}
	words[(*n)++] = *word;
}

static uint64_t second_latest(const chain_word *words, size_t n)
{
	uint64_t first = 0, second = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t time = words[i].time;

		if (time > first) {
			second = first;
			first = time;
		} else if (time > second) {
			second = time;
		}
	}
	return second;
}

/* *OUT_OTHERS is to be freed. */
static emr_status words_of_others(
	emr_chain *chain, const uint8_t submitter[32], chain_word **out_others, size_t *out_n)
{
	const chain_clocks *clocks = &chain->clocks;
	EMR_AUTO_FREE chain_word *others = calloc(clocks->n + 1, sizeof *others);
	uint8_t own[32];
	bool has_own, is_person = false;
	size_t n = 0;
	emr_status status = others ? person_of(chain, submitter, own, &has_own) : EMR_NO_MEMORY;

	for (size_t i = 0; status == EMR_OK && i < clocks->n; i++) {
		chain_word word = clocks->words[i];

		status = person_of(chain, clocks->words[i].submitter, word.submitter, &is_person);
		if (status == EMR_OK && is_person &&
			!(has_own && memcmp(word.submitter, own, 32) == 0))
			unite_words(others, &n, &word);
	}
	if (status != EMR_OK)
		return status;
	*out_others = others;
	*out_n = n;
	others = NULL;
	return EMR_OK;
}

static emr_status hear(emr_chain *chain)
{
	uint64_t size;
	emr_status status = emr_chain_size(chain, &size);

	if (status == EMR_OK && !are_same_entries(chain, size))
		chain_clocks_free(&chain->clocks);
	return status == EMR_OK && chain->clocks.size < size ? read_words(chain, size) : status;
}

void emr_chain_listen(emr_chain *chain)
{
	emr_status status = hear(chain);

	/* What was read is forgotten then, and who judges says what is wrong. */
	if (status != EMR_OK)
		emr_log(EMR_LOG_INFO, "ledger: its times are read later: %s",
			emr_status_text(status));
}

emr_status chain_said(
	emr_chain *chain, const uint8_t submitter[32], uint64_t now, uint64_t *out_unix_s)
{
	EMR_AUTO_FREE chain_word *others = NULL;
	size_t n = 0, ahead = 0;
	emr_status status = hear(chain);

	if (status != EMR_OK)
		return status;
	*out_unix_s = 0;
	for (size_t i = 0; i < chain->clocks.n; i++)
		ahead += chain->clocks.words[i].time > now &&
			 chain->clocks.words[i].time - now > EMR_CLOCKS_APART_S;
	/* Nearly always nobody is: whose words they are need not be asked then. */
	if (ahead < 2)
		return EMR_OK;
	status = words_of_others(chain, submitter, &others, &n);
	if (status == EMR_OK)
		*out_unix_s = second_latest(others, n);
	return status;
}

emr_status emr_chain_heard(emr_chain *chain, const uint8_t submitter[32], uint64_t *out_unix_s)
{
	EMR_AUTO_FREE chain_word *others = NULL;
	uint64_t latest = 0;
	size_t n = 0;
	emr_status status = hear(chain);

	if (status == EMR_OK)
		status = words_of_others(chain, submitter, &others, &n);
	if (status != EMR_OK)
		return status;
	for (size_t i = 0; i < n; i++)
		if (others[i].time > latest)
			latest = others[i].time;
	*out_unix_s = latest;
	return EMR_OK;
}
