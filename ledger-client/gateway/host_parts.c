/* This file gives the private parts of entries on Fabric: from the local log, and, where a peer had
 * not got them when the entry came, from the batch that was sent from here or from a gateway that
 * is asked again. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "host_private.h"

#define TRIES 5	     /* until a peer has a private part, or the right one */
#define PAUSE_MS 100 /* between the first two; twice as long after each */
#define IN_VAIN_NS                                                                                 \
	INT64_C(30000000000) /* behind a wait in vain: who asks gets an answer without another */

/* ---- into the log ---- */

/* WHAT, with ARG, in one transaction; lock held. */
static emr_status write_log(
	fabric_host *h, emr_status (*what)(fabric_host *h, void *arg), void *arg)
{
	EMR_TRY(emr_chain_begin(h->chain));
	return emr_chain_end(h->chain, what(h, arg));
}

static emr_status fill_batch(fabric_host *h, void *arg)
{
	const emr_bytes *batch = arg;

	return emr_chain_fill_batch(h->chain, *batch);
}

emr_status host_keep_parts(fabric_host *h, emr_bytes batch)
{
	return write_log(h, fill_batch, &batch);
}

typedef struct filling {
	fabric_host *host;
	emr_chain *truth;
	emr_buf part;
} filling;

static emr_status fill_missing(void *arg, const emr_part_key *key, uint64_t seq)
{
	filling *f = arg;
	bool fits = false;
	emr_status status = emr_chain_part(f->truth, key, &f->part);

	(void)seq;
	if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA || status == EMR_DAMAGED)
		return EMR_OK;
	return status == EMR_OK ? emr_chain_fill(f->host->chain, key, emr_buf_view(&f->part), &fits)
				: status;
}

static emr_status fill_all(fabric_host *h, void *arg)
{
	return emr_chain_each_missing(h->chain, fill_missing, arg);
}

emr_status host_fill_from(fabric_host *h, emr_chain *truth)
{
	filling f = {.host = h, .truth = truth};
	emr_status status = write_log(h, fill_all, &f);

	emr_buf_free(&f.part);
	return status;
}

/* ---- out of the log ---- */

/* The parts that one call of host_fetch asks for, and those that are not given yet. */
typedef struct fetching {
	fabric_host *host;
	const emr_part_key *keys;
	size_t *at; /* places among the keys of what the log lacks */
	size_t n;
	emr_key_text *texts; /* of each of those */
	const char **names;
	bool is_other; /* a gateway gave another part than was registered */
	emr_ledger_part_fn fn;
	void *arg;
} fetching;

static void fetching_end(fetching *f)
{
	free(f->at);
	free(f->texts);
	free(f->names);
}

static emr_status read_part(fetching *f, size_t at, emr_buf *out)
{
	EMR_LOCKED(&f->host->lock);

	return emr_chain_part(f->host->chain, &f->keys[at], out);
}

/* Gives what the log has, and that there is none where it expects none. */
static emr_status give_here(fetching *f)
{
	EMR_AUTO_BUF part = {0};
	size_t lacking = 0;
	emr_status status = EMR_OK;

	for (size_t i = 0; i < f->n && status == EMR_OK; i++) {
		emr_status found = read_part(f, f->at[i], &part);

		if (found == EMR_OK)
			status = f->fn(f->arg, f->at[i], emr_buf_view(&part));
		else if (found == EMR_NOT_FOUND)
			status = f->fn(f->arg, f->at[i], (emr_bytes){0});
		else if (found == EMR_MISSING_DATA || found == EMR_DAMAGED)
			f->at[lacking++] = f->at[i];
		else
			status = found;
	}
	f->n = lacking;
	return status;
}

/* ---- asking ---- */

/* An answer of a gateway, until the log is locked. */
typedef struct told_parts {
	fetching *f;
	emr_buf bytes;
	size_t *begins; /* and where the last one ends */
	bool *is_late;	/* not purged, and not known to be nowhere */
	size_t n;
} told_parts;

static emr_status note_told(void *arg, size_t index, emr_gateway_part_state state, emr_bytes part)
{
	told_parts *t = arg;
	bool is_here = state == EMR_GATEWAY_PART_HERE && part.len > 0;
	emr_status status = is_here ? emr_buf_append(&t->bytes, part.data, part.len) : EMR_OK;

	t->is_late[index] = is_here || state == EMR_GATEWAY_PART_ON_ITS_WAY;
	t->begins[index + 1] = t->bytes.len;
	t->n = index + 1;
	return status;
}

static emr_status fill_told(fabric_host *h, void *arg)
{
	const told_parts *t = arg;
	fetching *f = t->f;
	emr_status status = EMR_OK;

	f->is_other = false;
	for (size_t i = 0; i < t->n && status == EMR_OK; i++) {
		emr_bytes part =
			emr_bytes_of(t->bytes.data + t->begins[i], t->begins[i + 1] - t->begins[i]);
		bool fits = true;

		if (part.len > 0)
			status = emr_chain_fill(h->chain, &f->keys[f->at[i]], part, &fits);
		if (status != EMR_OK || fits)
			continue;
		f->is_other = true;
		emr_log(EMR_LOG_WARN,
			"fabric: a gateway gives another private part than was registered (%s)",
			f->names[i]);
	}
	return status;
}

/* That there is none, of those that were purged since. */
static emr_status give_none(fetching *f, const told_parts *t)
{
	size_t lacking = 0;
	emr_status status = EMR_OK;

	for (size_t i = 0; i < f->n && status == EMR_OK; i++)
		if (t->is_late[i])
			f->at[lacking++] = f->at[i];
		else
			status = f->fn(f->arg, f->at[i], (emr_bytes){0});
	f->n = lacking;
	return status;
}

static emr_status take_told(fetching *f, told_parts *t)
{
	EMR_LOCKED(&f->host->lock);

	return t->bytes.len > 0 ? write_log(f->host, fill_told, t) : EMR_OK;
}

static emr_status ask_once(fetching *f)
{
	fabric_host *h = f->host;
	emr_gateway_call call = emr_gateway_call_of(h->timeout_ms, h->stop_fd);
	EMR_AUTO_FREE size_t *begins = calloc(f->n + 1, sizeof *begins);
	EMR_AUTO_FREE bool *is_late = calloc(f->n, sizeof *is_late);
	told_parts told = {.f = f, .begins = begins, .is_late = is_late};
	emr_gateway *gateway = NULL;
	emr_status status =
		begins != NULL && is_late != NULL ? host_line(h, &gateway) : EMR_NO_MEMORY;

	f->is_other = false;
	for (size_t i = 0; i < f->n && status == EMR_OK; i++) {
		const emr_part_key *key = &f->keys[f->at[i]];

		emr_key_part(key->family, key->domain.b, key->object.b, key->version, &f->texts[i]);
		f->names[i] = f->texts[i].text;
	}
	if (status == EMR_OK)
		status = emr_gateway_parts(gateway, &call, f->names, f->n, note_told, &told);
	if (status == EMR_OK)
		status = take_told(f, &told);
	else
		status = host_status(&call, status);
	if (status == EMR_OK)
		status = give_none(f, &told);
	emr_buf_free(&told.bytes);
	return status == EMR_OK ? give_here(f) : status;
}

static bool is_worth_waiting(fabric_host *h)
{
	EMR_LOCKED(&h->known_lock);

	return h->in_vain_ns == 0 ||
	       emr_clock_boot_ns(emr_clock_system()) - h->in_vain_ns > IN_VAIN_NS;
}

static void note_vain(fabric_host *h)
{
	EMR_LOCKED(&h->known_lock);

	h->in_vain_ns = emr_clock_boot_ns(emr_clock_system());
}

/* A follower takes a missing part for one that is not there yet, and a wrong part for a missing
 * one: so it is asked for again for a moment, and a part that is still another one makes the reader
 * wait. */
static emr_status await_rest(fetching *f)
{
	int tries = is_worth_waiting(f->host) ? TRIES : 1;
	int pause_ms = PAUSE_MS;
	emr_status status = EMR_OK;

	for (int i = 0; i < tries && f->n > 0 && status == EMR_OK; i++, pause_ms *= 2) {
		if (i > 0)
			(void)poll(NULL, 0, pause_ms);
		if (i > 0)
			status = give_here(f); /* who sent the batch may have had them */
		if (status == EMR_OK && f->n > 0)
			status = ask_once(f);
	}
	if (status == EMR_OK && f->n > 0 && tries > 1)
		note_vain(f->host);
	return status == EMR_OK && f->n > 0 && f->is_other ? EMR_OFFLINE : status;
}

static emr_status fetch_all(fetching *f)
{
	EMR_TRY(give_here(f));
	if (f->n > 0)
		EMR_TRY(await_rest(f));
	for (size_t i = 0; i < f->n; i++)
		EMR_TRY(f->fn(f->arg, f->at[i], (emr_bytes){0}));
	return EMR_OK;
}

emr_status host_fetch(
	void *self, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg)
{
	fetching f = {.host = self, .keys = keys, .n = n, .fn = fn, .arg = arg};
	emr_status status = EMR_NO_MEMORY;

	if (n == 0)
		return EMR_OK;
	f.at = calloc(n, sizeof *f.at);
	f.texts = calloc(n, sizeof *f.texts);
	f.names = calloc(n, sizeof *f.names);
	for (size_t i = 0; i < n && f.at != NULL; i++)
		f.at[i] = i;
	if (f.at != NULL && f.texts != NULL && f.names != NULL)
		status = fetch_all(&f);
	fetching_end(&f);
	return status;
}
