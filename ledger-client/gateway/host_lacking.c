/* A private part that no peer had when its block came may never come: then only who sent it has it,
 * and nobody else can read the record. This file keeps what was sent from here until a peer has all
 * of it, looks less and less often, and brings what stays away to the ledger once more
 * (RESTORE_PART), which takes it where its hash fits and nobody purged it. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "contract/codes.h"
#include "contract/pubs.h"
#include "host_private.h"
#include "ledger/batch.h"

#define LACKING "lacking-"
#define FIRST_NS INT64_C(5000000000) /* between two looks, twice as long each time */
#define MOST_NS INT64_C(600000000000)
#define PATIENCE_S 30			 /* peers bring it to each other by themselves */
#define SEND_MOST_S 86400u		 /* between two times that it is brought again */
#define GIVE_UP_S ((uint64_t)30 * 86400) /* since it was signed */
#define VALID_S ((uint64_t)7 * 86400)

/* ---- what was sent ---- */

static bool part_key_of(const emr_batch *batch, size_t i, emr_part_key *out)
{
	emr_item item;
	emr_span pub;

	emr_batch_item_at(batch, i, &item, &pub);
	if (batch->items[i].part.len == 0 || item.op == EMR_OP_RESTORE_PART)
		return false;
	*out = (emr_part_key){.family = emr_op_family(item.op), .version = item.version};
	memcpy(out->domain.b, item.domain_id, 16);
	memcpy(out->object.b, item.object_id, 16);
	return true;
}

static bool is_lacking(fabric_host *h, const emr_batch *batch, const uint8_t *results)
{
	EMR_AUTO_BUF part = {0};
	emr_part_key key;

	for (size_t i = 0; i < batch->count; i++)
		if (results[i] == EMR_RESULT_APPLIED && part_key_of(batch, i, &key) &&
			emr_chain_part(h->chain, &key, &part) == EMR_MISSING_DATA)
			return true;
	return false;
}

void host_note_lacking(fabric_host *h, emr_bytes batch, const emr_ledger_answer *answer)
{
	EMR_AUTO_FREE emr_batch *sent = malloc(sizeof *sent);
	char name[80] = LACKING;
	uint8_t id[32];

	if (sent == NULL || emr_batch_parse(emr_span_of(batch), sent) != EMR_RESULT_APPLIED ||
		sent->count != answer->n_results || !is_lacking(h, sent, answer->results))
		return;
	emr_batch_id(batch.data, id);
	emr_hex(id, sizeof id, name + strlen(LACKING));
	if (emr_file_replace(h->dirfd, name, batch, 0600) != EMR_OK)
		emr_log(EMR_LOG_WARN, "fabric: what no peer has yet was not noted");
	EMR_LOCKED(&h->known_lock);
	h->lacking_pause_ns = FIRST_NS;
	h->lacking_due_ns = emr_clock_boot_ns(emr_clock_system()) + FIRST_NS;
}

/* ---- whether a peer has it ---- */

typedef struct restoring {
	fabric_host *host;
	emr_batch *sent;
	size_t *at; /* items with parts */
	bool *is_late;
	size_t n, late;
	bool is_behind; /* the peer that was asked does not know all of them yet */
} restoring;

static void restoring_end(restoring *r)
{
	free(r->sent);
	free(r->at);
	free(r->is_late);
}

static emr_status note_state(void *arg, size_t index, emr_gateway_part_state state, emr_bytes part)
{
	restoring *r = arg;

	(void)part;
	r->is_late[index] = state == EMR_GATEWAY_PART_ON_ITS_WAY;
	r->late += r->is_late[index];
	r->is_behind |= state == EMR_GATEWAY_PART_UNKNOWN;
	return EMR_OK;
}

static emr_status ask(restoring *r)
{
	emr_gateway_call call = emr_gateway_call_of(r->host->timeout_ms, r->host->wake_fd);
	EMR_AUTO_FREE emr_key_text *texts = calloc(r->sent->count, sizeof *texts);
	EMR_AUTO_FREE const char **names = calloc(r->sent->count, sizeof *names);
	emr_gateway *gateway = NULL;
	emr_part_key key;
	emr_status status =
		texts != NULL && names != NULL ? host_line(r->host, &gateway) : EMR_NO_MEMORY;

	for (size_t i = 0; status == EMR_OK && i < r->sent->count; i++) {
		if (!part_key_of(r->sent, i, &key))
			continue;
		emr_key_part(key.family, key.domain.b, key.object.b, key.version, &texts[r->n]);
		names[r->n] = texts[r->n].text;
		r->at[r->n++] = i;
	}
	if (status != EMR_OK || r->n == 0)
		return status;
	return host_status(&call, emr_gateway_parts(gateway, &call, names, r->n, note_state, r));
}

/* ---- bringing it again ---- */

static emr_status add_part(const restoring *r, size_t i, uint64_t now, emr_batch_builder *batch)
{
	emr_part_key key;
	emr_pub_restore pub;
	uint8_t bytes[16];
	emr_id32 id;
	emr_operation operation = {.op = EMR_OP_RESTORE_PART,
		.time = now,
		.pub = emr_bytes_of(bytes, sizeof bytes),
		.priv = emr_bytes_of(r->sent->items[i].part.data, r->sent->items[i].part.len)};

	if (!part_key_of(r->sent, i, &key))
		return EMR_OK;
	pub = (emr_pub_restore){.family = key.family, .version = key.version};
	emr_pub_restore_encode(&pub, bytes);
	operation.domain = key.domain;
	operation.object = key.object;
	return emr_batch_add(batch, &operation, &id);
}

static emr_status bring_again(const restoring *r)
{
	fabric_host *h = r->host;
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_batch_options options = {.keyring = h->submitter, .signer = emr_signer_identity()};
	EMR_AUTO_FREE emr_ledger_answer *answer = malloc(sizeof *answer);
	EMR_AUTO_BATCH batch = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_header header;
	emr_status status;

	if (answer == NULL)
		return EMR_NO_MEMORY;
	if (emr_header_parse(r->sent->header, &header) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	memcpy(options.net_id.b, header.net_id, sizeof header.net_id);
	status = emr_batch_new(&options, &batch);
	for (size_t i = 0; i < r->n && status == EMR_OK; i++)
		if (r->is_late[i])
			status = add_part(r, r->at[i], now, batch);
	if (status == EMR_LIMIT && emr_batch_count(batch) > 0)
		status = EMR_OK; /* the rest another time */
	if (status == EMR_OK)
		status = emr_batch_finish(batch, now, VALID_S, &bytes, NULL);
	if (status == EMR_OK)
		status = host_submit(h, emr_buf_view(&bytes), answer);
	emr_log(EMR_LOG_INFO, "fabric: %zu private parts that no peer had were sent again: %s",
		r->late,
		status != EMR_OK ? emr_status_text(status)
				 : emr_result_text(answer->refusal != 0 ? answer->refusal
									: answer->results[0]));
	return status;
}

/* Each time is as long after the one before as that was after the signing: a gateway that always
 * says that a part is on its way, or a ledger that takes it no more, gets a few entries, and an
 * end. */
emr_status host_bring_when(uint64_t signed_s, uint64_t before_s, uint64_t now_s)
{
	uint64_t pause = before_s > signed_s ? before_s - signed_s : 0;

	if (now_s > signed_s && now_s - signed_s > GIVE_UP_S)
		return EMR_NOT_FOUND;
	pause = pause < PATIENCE_S ? PATIENCE_S : pause > SEND_MOST_S ? SEND_MOST_S : pause;
	/* A clock that was put back does not stop it. */
	return before_s <= now_s && now_s - before_s < pause ? EMR_TIMEOUT : EMR_OK;
}

static emr_status judge_time(fabric_host *h, const char *name, const emr_batch *sent)
{
	emr_header header;
	struct stat facts;
	emr_status status;

	if (emr_header_parse(sent->header, &header) != EMR_CONTRACT_OK)
		return EMR_NOT_FOUND;
	if (fstatat(h->dirfd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
		return EMR_TIMEOUT;
	status = host_bring_when(header.time_unix_s, (uint64_t)facts.st_mtim.tv_sec,
		emr_clock_unix_s(emr_clock_system()));
	if (status == EMR_NOT_FOUND)
		emr_log(EMR_LOG_WARN, "fabric: no peer took what %s has in a month: given up",
			name);
	return status;
}

/* EMR_NOT_FOUND: a peer has all of it, or it was purged, or cannot be read, or nobody took it. */
static emr_status tend_batch(fabric_host *h, const char *name)
{
	__attribute__((cleanup(restoring_end))) restoring r = {.host = h};
	EMR_AUTO_BUF bytes = {0};
	emr_status status = emr_file_read(h->dirfd, name, EMR_LEDGER_BATCH_MAX, &bytes);

	r.sent = malloc(sizeof *r.sent);
	if (status != EMR_OK || r.sent == NULL)
		return status != EMR_OK ? status : EMR_NO_MEMORY;
	if (emr_batch_parse(emr_span_of(emr_buf_view(&bytes)), r.sent) != EMR_RESULT_APPLIED)
		return EMR_NOT_FOUND;
	r.at = calloc(r.sent->count, sizeof *r.at);
	r.is_late = calloc(r.sent->count, sizeof *r.is_late);
	if (r.at == NULL || r.is_late == NULL)
		return EMR_NO_MEMORY;
	status = ask(&r);
	if (status != EMR_OK || r.late == 0)
		return status == EMR_OK && !r.is_behind ? EMR_NOT_FOUND : status;
	EMR_TRY(judge_time(h, name, r.sent));
	status = bring_again(&r);
	(void)utimensat(h->dirfd, name, NULL, AT_SYMLINK_NOFOLLOW);
	return status;
}

/* All of them; false when there is none left. */
static bool tend_all(fabric_host *h)
{
	int fd = openat(h->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool is_left = false;

	if (listing == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return true;
	}
	while ((entry = readdir(listing)) != NULL) {
		if (strncmp(entry->d_name, LACKING, strlen(LACKING)) != 0)
			continue;
		if (tend_batch(h, entry->d_name) == EMR_NOT_FOUND)
			(void)unlinkat(h->dirfd, entry->d_name, 0);
		else
			is_left = true;
	}
	(void)closedir(listing);
	return is_left;
}

int64_t host_tend_lacking(fabric_host *h)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system()), due, pause;
	bool is_left;

	if (h->submitter == NULL)
		return INT64_MAX;
	(void)pthread_mutex_lock(&h->known_lock);
	due = h->lacking_due_ns;
	pause = h->lacking_pause_ns > 0 ? h->lacking_pause_ns : FIRST_NS;
	(void)pthread_mutex_unlock(&h->known_lock);
	if (now < due)
		return due;
	is_left = tend_all(h);
	now = emr_clock_boot_ns(emr_clock_system());
	EMR_LOCKED(&h->known_lock);
	if (h->lacking_due_ns == due) { /* nothing was noted meanwhile */
		h->lacking_pause_ns = pause < MOST_NS / 2 ? 2 * pause : MOST_NS;
		h->lacking_due_ns = is_left ? now + pause : INT64_MAX;
	}
	return h->lacking_due_ns;
}
