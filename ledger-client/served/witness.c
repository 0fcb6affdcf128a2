/* Hosts of one channel sign each other's heads when they have read the same entries, so that no
 * host can show its members another ledger unnoticed. This file asks other hosts to sign this
 * host's newest head, and signs theirs. It signs for the hosts of member organisations alone, and
 * only what this host's own ledger has. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/worker.h"
#include "contract/rows_share.h"
#include "served/client.h"
#include "served_private.h"

#define PREFIX "MH/"
#define WAIT_MS 10000u /* for entries that the other host has read already */
#define PAUSE_MS 1000  /* between two rounds */
#define AGAIN_MS 30000 /* after a round in which nobody signed */

/* ---- signing for others ---- */

/* ROW: MH/ORG. */
static bool is_signed_by(emr_served *served, const emr_chain_rows *row, const emr_checkpoint *head)
{
	emr_row_host_key host;
	emr_row_org org;
	uint8_t id[16];

	return emr_row_host_key_parse(emr_span_of(row->value), &host) == EMR_CONTRACT_OK &&
	       emr_unhex(row->key + sizeof PREFIX - 1, id, sizeof id) == EMR_OK &&
	       emr_chain_org_row(served->rows, id, &org, NULL) == EMR_OK &&
	       org.head.state == EMR_ORG_MEMBER &&
	       emr_checkpoint_verify(head, emr_checkpoint_host_id(host.key), host.key) == EMR_OK;
}

static bool is_of_host(emr_served *served, const emr_checkpoint *head)
{
	EMR_LOCKED(&served->rows_lock);
	EMR_AUTO_CHAIN_ROWS rows = {.chain = served->rows, .prefix = PREFIX};

	while (emr_chain_next_row(&rows))
		if (is_signed_by(served, &rows, head))
			return true;
	return false;
}

emr_status served_cosign(emr_served *served, emr_serve_call *call)
{
	emr_checkpoint head;
	uint8_t root[32];
	uint64_t size;

	EMR_TRY(emr_checkpoint_parse(emr_buf_view(&call->body), &head));
	if (!emr_id16_equal(head.net_id, served->net_id) || head.size == 0 ||
		!is_of_host(served, &head))
		return EMR_DENIED;
	EMR_TRY(emr_ledger_size(served->ledger, &size));
	if (head.size > size) {
		if (call->waits_until_ns != 0)
			return EMR_TIMEOUT;
		emr_serve_wait(call, head.size - 1, WAIT_MS);
		return EMR_AWAITED;
	}
	EMR_TRY(emr_ledger_root(served->ledger, head.size, root));
	if (memcmp(root, head.root, sizeof root) != 0) {
		emr_log(EMR_LOG_ERROR,
			"host: another host has signed another history of the ledger, at %llu "
			"entries",
			(unsigned long long)head.size);
		return EMR_CONFLICT;
	}
	head.n_sigs = 0;
	EMR_TRY(served_sign(served, &head));
	return emr_checkpoint_format(&head, &call->out);
}

/* ---- asking others ---- */

/* HEAD gets the signature of the host AT, which is a host's that this one was told of. */
static emr_status ask_one(const emr_served *served, const emr_served_at *at, emr_checkpoint *head)
{
	EMR_AUTO_BUF note = {0}, answer = {0};
	emr_checkpoint theirs;

	EMR_TRY(emr_checkpoint_format(head, &note));
	EMR_TRY(emr_served_cosign(at, emr_buf_view(&note), served->others.stop_fd, &answer));
	EMR_TRY(emr_checkpoint_parse(emr_buf_view(&answer), &theirs));
	if (theirs.size != head->size || memcmp(theirs.root, head->root, 32) != 0 ||
		!emr_id16_equal(theirs.net_id, head->net_id) || theirs.n_sigs != 1 ||
		head->n_sigs == EMR_CHECKPOINT_SIGS_MAX)
		return EMR_DAMAGED;
	EMR_TRY(emr_checkpoint_verify(&theirs, emr_checkpoint_host_id(at->key.b), at->key.b));
	head->sigs[head->n_sigs++] = theirs.sigs[0];
	return EMR_OK;
}

/* SIZE entries are here.  EMR_OFFLINE: nobody has signed. */
static emr_status ask_all(emr_served *served, uint64_t size)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;

	EMR_TRY(served_put_head(served, size, &note));
	EMR_TRY(emr_checkpoint_parse(emr_buf_view(&note), &head));
	for (size_t i = 0; i < served->others.n && !atomic_load(&served->is_ending); i++) {
		const emr_status status = ask_one(served, &served->others.list[i], &head);

		if (status != EMR_OK && status != EMR_INTERRUPTED)
			emr_log(status == EMR_CONFLICT ? EMR_LOG_ERROR : EMR_LOG_INFO,
				"host: %s has not signed the head of %llu entries: %s",
				served->others.list[i].url, (unsigned long long)size,
				emr_status_text(status));
	}
	EMR_TRY(head.n_sigs > 1 ? EMR_OK : EMR_OFFLINE);
	EMR_TRY(emr_checkpoint_format(&head, &note));
	return emr_file_replace(served->host_dirfd, EMR_WITNESSED, emr_buf_view(&note), 0600);
}

emr_status served_name_others(const emr_served *served, emr_serve_call *call)
{
	char text[EMR_SERVED_ADDRESS_CHARS + 1];

	for (size_t i = 0; i < served->others.n; i++) {
		emr_served_address_text(&served->others.list[i], text);
		(void)strcat(text, "\n");
		EMR_TRY(emr_buf_append(&call->out, text, strlen(text)));
	}
	return EMR_OK;
}

void *served_ask_others(void *arg)
{
	emr_served *served = arg;
	uint64_t signed_size = 0, size = 0;
	struct pollfd ended = {.fd = served->others.stop_fd, .events = POLLIN};

	while (!atomic_load(&served->is_ending)) {
		emr_status status = served_is_open(served);
		int pause_ms = PAUSE_MS;

		if (status == EMR_OK)
			status = emr_ledger_size(served->ledger, &size);
		if (status == EMR_OK && size > signed_size) {
			status = ask_all(served, size);
			signed_size = status == EMR_OK ? size : signed_size;
			pause_ms = status == EMR_OK ? PAUSE_MS : AGAIN_MS;
		}
		(void)poll(&ended, 1, pause_ms);
	}
	return NULL;
}
