/* This fuzz target is a host that lost its whole ledger and is brought bytes: as they are, and as
 * entries behind a head that the host itself has signed. */
#include "fuzz_dir.h"
#include "served_private.h"

static emr_served served;

/* To a host that nobody has brought anything. */
static void bring(emr_bytes body)
{
	emr_serve_call call = {.body = {.data = (uint8_t *)(uintptr_t)body.data, .len = body.len}};
	uint64_t size = 0;

	if (emr_chain_open_temporary(&served.rows) != EMR_OK)
		abort();
	served.dirfd = served.host_dirfd = fuzz_dir_empty_fd();
	memset(&served.lost, 0, sizeof served.lost);
	memset(&served.net_id, 0, sizeof served.net_id);
	if (served_take_brought(&served, &call) == EMR_OK &&
		(emr_chain_size(served.rows, &size) != EMR_OK || size > 1))
		abort();
	emr_chain_close(served.rows);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	served.key = served_open_key(served.secret, served.sk);
	served.clock = emr_clock_system();
	(void)pthread_mutex_init(&served.rows_lock, NULL);
	served.is_recovering = true;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_reader reader = emr_reader_of(emr_bytes_of(data, size));
	emr_checkpoint head = {.size = 1};
	emr_ledger_entry first = {.seq = 0};
	EMR_AUTO_BUF note = {0};
	EMR_AUTO_BUF body = {0};
	emr_writer w = emr_writer_of(&body);

	bring(emr_bytes_of(data, size));
	(void)wire_read_entry(&reader, &first);
	emr_descriptor_net_id((emr_span){first.entry.data, first.entry.len}, head.net_id.b);
	emr_entry_leaf((emr_span){first.entry.data, first.entry.len}, head.root);
	if (served_sign(&served, &head) != EMR_OK || emr_checkpoint_format(&head, &note) != EMR_OK)
		abort();
	emr_write_u32(&w, (uint32_t)note.len);
	emr_write_bytes(&w, note.data, note.len);
	emr_write_u64(&w, 1);
	emr_write_bytes(&w, head.root, sizeof head.root);
	emr_write_u8(&w, 0);
	emr_write_bytes(&w, data, size);
	bring(emr_buf_view(&body));
	return 0;
}
