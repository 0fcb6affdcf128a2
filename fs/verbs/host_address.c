/* This file says for `emrfs host` who has to hear of a new address, and how, and takes the host's
 * key out of use: administrators sign for the next one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "contract/item.h"
#include "contract/rows.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/copy.h"
#include "org/proposals.h"
#include "served/address.h"
#include "served/server.h"
#include "session/network_dir.h"
#include "verbs_private.h"

#define SETTINGS_MAX ((size_t)4096)
#define NAMES_MAX 600

static emr_status net_id_of(const char *dir, emr_id16 *out)
{
	EMR_AUTO_BUF descriptor = {0};

	EMR_TRY(emr_network_dir_descriptor(dir, &descriptor));
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, out->b);
	return EMR_OK;
}

static emr_status open_ledger(const char *dir, emr_ledger_copy **out)
{
	char path[4400];

	(void)snprintf(path, sizeof path, "%.4300s/" EMR_NETWORK_DIR_LEDGER, dir);
	return emr_ledger_copy_open(path, NULL, out);
}

/* ---- another address ---- */

static bool is_same_place(const emr_served_at *a, const emr_served_at *b)
{
	return strcmp(a->url, b->url) == 0 && strcmp(a->pin, b->pin) == 0 &&
	       strcmp(a->socket, b->socket) == 0;
}

emr_status host_note_place(
	const char *dir, int own_fd, const uint8_t secret[32], emr_served_at *at, bool *out_moved)
{
	EMR_AUTO_BUF settings = {0};
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_served_at before;
	emr_address said;
	emr_id16 net_id;

	*out_moved = emr_file_read(own_fd, EMR_HOST_AT, SETTINGS_MAX, &settings) == EMR_OK &&
		     emr_served_at_read(emr_buf_view(&settings), &before) == EMR_OK;
	if (!*out_moved)
		return EMR_OK; /* nobody knows another one */
	memcpy(at->word, before.word, sizeof at->word);
	*out_moved = !is_same_place(at, &before);
	if (!*out_moved)
		return EMR_OK;
	/* Also by a clock that went back. */
	if (emr_address_of(&before, &said) == EMR_OK && said.unix_s >= now)
		now = said.unix_s + 1;
	EMR_TRY(net_id_of(dir, &net_id));
	return emr_served_say_at(secret, net_id, now, at);
}

static emr_status count_member(void *arg, const emr_ledger_member *member)
{
	uint64_t *n = arg;

	*n += member->is_in_force;
	return EMR_OK;
}

static emr_status add_name(void *arg, emr_bytes name)
{
	char *names = arg, text[256], shown[512];
	const size_t len = strlen(names);

	(void)snprintf(text, sizeof text, "%.*s", (int)name.len,
		name.len > 0 ? (const char *)name.data : "");
	emr_show(text, shown, sizeof shown);
	(void)snprintf(names + len, NAMES_MAX - len, "%s%s", len > 0 ? ", " : "", shown);
	return EMR_OK;
}

void host_say_moved(emr_out *out, const char *dir, const emr_served_at *at, bool is_new)
{
	EMR_AUTO_LEDGER_COPY ledger = NULL;
	EMR_AUTO_BUF text = {0};
	char names[NAMES_MAX] = "", members[EMR_COUNT_BYTES];
	uint64_t n = 0;
	emr_address said;

	if (emr_address_of(at, &said) != EMR_OK || emr_address_write(&said, &text) != EMR_OK)
		return;
	text.data[text.len - 1] = '\0';
	emr_out_text(out, "moved", (const char *)text.data);
	if (is_new && open_ledger(dir, &ledger) == EMR_OK &&
		emr_ledger_copy_members(ledger, count_member, &n) == EMR_OK &&
		emr_ledger_copy_orgs(ledger, add_name, names) == EMR_OK) {
		emr_count_text(n, "member", "members", members);
		emr_say(out, "This is another address than before: %s of %s have to hear of it.\n",
			members, names);
	}
	emr_say(out,
		"Members who know the one from before take this text, which is no secret:\n"
		"  emrfs network address '%s'\n",
		(const char *)text.data);
}

/* ---- another key ---- */

emr_status host_ask_for_key(const char *file, const emr_served_at *next, emr_problem *out_problem)
{
	const emr_address address = {
		.at = *next, .is_successor = true, .unix_s = emr_clock_unix_s(emr_clock_system())};
	EMR_AUTO_FD fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	EMR_AUTO_BUF text = {0};
	emr_status status =
		fd >= 0 ? emr_address_write(&address, &text) : emr_status_from_errno(errno);

	if (status == EMR_OK)
		status = emr_pwrite_all(fd, text.data, text.len, 0);
	if (status == EMR_OK && fsync(fd) != 0)
		status = emr_status_from_errno(errno);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, file);
}

emr_status host_may_take_key(const char *dir, const char *file, emr_id32 old, emr_served_at *out,
	emr_problem *out_problem)
{
	EMR_AUTO_LEDGER_COPY ledger = NULL;
	EMR_AUTO_BUF text = {0};
	emr_row_network network;
	emr_address address;
	emr_id16 net_id;
	unsigned have = 0, need = 0;
	char cause[200];
	emr_status status = emr_file_read(AT_FDCWD, file, EMR_ADDRESS_TEXT_MAX, &text);

	if (status == EMR_OK)
		status = emr_address_read(emr_buf_view(&text), &address);
	if (status == EMR_OK)
		status = net_id_of(dir, &net_id);
	if (status == EMR_OK)
		status = open_ledger(dir, &ledger);
	if (status == EMR_OK)
		status = emr_ledger_copy_network(ledger, &network);
	if (status == EMR_OK)
		status = emr_address_votes(&address, net_id, old, ledger, &have);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, file);
	need = emr_approvals_needed(&network);
	*out = address.at;
	if (address.is_successor && emr_id32_equal(address.at.key, old))
		return EMR_EXISTS;
	if (address.is_successor && have >= need)
		return EMR_OK;
	(void)snprintf(cause, sizeof cause,
		_("administrators of %u of the %u members that it takes have signed %s for the "
		  "next key of this host"),
		have, need, file);
	emr_problem_set(out_problem, EMR_SAY_ADDRESS_REFUSED, "cause", cause, NULL);
	return EMR_DENIED;
}
