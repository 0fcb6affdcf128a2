/* This program measures what a host on a channel takes to read ENTRIES anew, each of one item and
 * in a block of its own: the time, and the processor of the process that reads. The backend is
 * played, by another process. bench_channel [entries] */
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/codec.h"
#include "channel/backend.h"
#include "channel_play.h"
#include "ledger/backend.h"

static kit k;

static void hand_in(emr_fabric *fabric, const emr_buf *batch)
{
	const size_t len = emr_batch_public_len((emr_span){batch->data, batch->len});
	char id[65], line[] = "a";
	uint8_t sig[64];
	emr_id32 batch_id;
	emr_fabric_call call = {.wait_s = 0};
	emr_fabric_end end;

	assert_ok(emr_batch_sign_submit(k.keyring, k.net_id, emr_buf_view(batch), sig));
	emr_batch_id(batch->data, batch_id.b);
	emr_hex(batch_id.b, 32, id);
	assert_ok(emr_fabric_hand_in(fabric, &call,
		&(emr_fabric_transaction){.id = id,
			.line = line,
			.function = "register",
			.args = (emr_bytes[]){emr_bytes_of(k.owner.signer_id.b, 32),
				emr_bytes_of(sig, 64), emr_bytes_of(batch->data, len)},
			.n_args = 3,
			.transient_name = "parts",
			.transient = emr_bytes_of(batch->data + len, batch->len - len)},
		&end));
	assert_int_equal(end.state, EMR_FABRIC_ENTERED);
}

static void fill(size_t entries)
{
	const kit_domain d = kit_domain_new(&k);
	emr_fabric *fabric = NULL;

	emr_ledger_close(k.ledger);
	k.ledger = NULL;
	assert_ok(emr_fabric_open(play.dir, &fabric));
	for (size_t i = 0; i < entries; i++) {
		emr_batch_builder *b = kit_batch(&k, d.id);
		EMR_AUTO_BUF batch = {0};

		(void)kit_put(b, &d, emr_id16_random(), 1, (emr_id32){0});
		kit_finish(&k, b, &batch);
		hand_in(fabric, &batch);
	}
	emr_fabric_close(fabric);
}

int main(int argc, char **argv)
{
	const size_t entries = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
	char said[256] = "";
	struct timespec from, to;
	struct rusage usage;
	int code;

	if (argc > 2) {
		code = (int)emr_embedded_catch_up(argv[2], 0, said, sizeof said);
		if (code != 0)
			printf("%d %s\n", code, said);
		return code;
	}
	kit_on_disk = true;
	kit_backend_in_use = play_kit();
	kit_new(&k);
	fill(entries);
	assert_int_equal(unlink(printed("%s/ledger.sqlite", k.network)), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	if (fork() == 0)
		_exit(execl("/proc/self/exe", argv[0], printed("%zu", entries), k.network, NULL));
	assert_true(wait(&code) > 0 && code == 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	(void)getrusage(RUSAGE_CHILDREN, &usage);
	k.ledger = kit_open(&k);
	assert_int_equal(kit_size(&k), entries + 3);
	printf("%zu entries: %.1f s, %.1f s of processor (%.1f of it in the kernel), %ld KiB\n",
		entries,
		(double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9,
		(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
		(double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6,
		usage.ru_maxrss);
	kit_end(&k);
	return 0;
}
