/* Tests of a ledger in a channel begin with this: a directory in a channel whose backend is played,
 * batches for it, and how the ledger is called to be. */
#pragma once

#include "base/worker.h"
#include "channel_play.h"
#include "ledger/backend.h"
#include "ledger/batch.h"

static kit k;

static inline void open_again(void)
{
	emr_ledger_close(k.ledger);
	k.ledger = kit_open(&k);
}

/* A record in a domain of hers. */
static inline void make_batch(emr_buf *out)
{
	kit_domain d = {.id = emr_id16_random()};
	emr_batch_builder *b = kit_batch(&k, d.id);

	kit_domain_into(&k, b, &d);
	kit_finish(&k, b, out);
}

static inline emr_status hand_in(const emr_buf *batch)
{
	emr_ledger_answer answer;

	return emr_ledger_submit(k.ledger, emr_buf_view(batch), &answer);
}

static inline emr_status status_now(void)
{
	emr_ledger_absence absence;

	emr_ledger_look(k.ledger, &absence);
	return absence.status;
}

static inline void await_status(emr_status status)
{
	while (status_now() != status)
		(void)usleep(20000);
}

/* Entries that the file of K lacks, brought by another directory of the channel. */
static inline void bring_elsewhere(size_t n)
{
	EMR_AUTO_LEDGER second = NULL;
	const char *path = printed("%s/second", k.base);
	emr_ledger_options options = {
		.path = path, .submitter = k.keyring, .clock = &k.clock.clock};
	emr_ledger_answer answer;

	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	assert_ok(emr_network_meet(path, play.dir, emr_buf_view(&play.descriptor)));
	assert_ok(emr_ledger_open(&options, &second));
	for (size_t i = 0; i < n; i++) {
		EMR_AUTO_BUF batch = {0};

		make_batch(&batch);
		assert_ok(emr_ledger_submit(second, emr_buf_view(&batch), &answer));
	}
}

static inline size_t looked(void)
{
	EMR_LOCKED(&play.lock);

	return play.looked;
}
