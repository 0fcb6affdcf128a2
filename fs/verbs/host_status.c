/* This file is `emrfs host --status`: it tells from the network's directory who is served there and
 * where, and how much there is. It asks nobody, so it answers also while no host runs. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "keyring/cert.h"
#include "kit/language.h"
#include "kit/places.h"
#include "kit/text.h"
#include "ledger/copy.h"
#include "ledger/network.h"
#include "ledger/restart.h"
#include "served/client.h"
#include "session/network_dir.h"
#include "session/session.h"
#include "session/shared_blocks.h"
#include "store/car_store.h"
#include "verbs_private.h"

#define SETTINGS_MAX ((size_t)4096)

typedef struct hosted {
	char network[256];
	emr_served_at at; /* "": it was never served */
	int pid;	  /* 0: no host runs */
	emr_ledger_copy_facts facts;
	uint64_t members, ledger_bytes, block_bytes, free_bytes, roots;
	bool is_recovering;
	emr_recovery recovery;
	char awaited[EMR_TEXT_BYTES]; /* names of organisations */
	char over[65]; /* the key that asked for more than its share most often; "": none did */
	char over_handle[EMR_CERT_HANDLE_MAX + 1];
	uint64_t over_times;
} hosted;

void host_say_agent(emr_out *out)
{
	const emr_at_work agent = emr_at_work_as(NULL, true);
	const bool is_stopped = agent.has_keyring && agent.pid == 0;

	emr_out_flag(out, "agent_stopped", is_stopped);
	if (is_stopped)
		emr_say(out,
			"The agent of this account does not run, so nothing is released while "
			"owners' folders are closed.\n"
			"Start it: emrfs --as agent agent.  With the computer: systemctl --user "
			"enable emrfs-agent\n");
}

static emr_status count_members(emr_ledger_copy *ledger, hosted *h)
{
	EMR_AUTO_LEDGER_MEMBERS members = {0};
	emr_cert_facts facts;
	char id[65];

	EMR_TRY(emr_ledger_copy_members(ledger, &members));
	EMR_EACH (const emr_ledger_member, member, &members) {
		h->members += member->is_in_force;
		emr_hex(member->signer_id.b, sizeof member->signer_id.b, id);
		if (strcmp(id, h->over) == 0 &&
			emr_cert_read(emr_buf_view(&member->certificate), &facts) == EMR_OK)
			memcpy(h->over_handle, facts.handle, sizeof h->over_handle);
	}
	return EMR_OK;
}

/* Bytes of the files in the directory NAME; none without it. */
static uint64_t bytes_below(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	struct stat st;
	uint64_t bytes = 0;

	while (listing != NULL && (entry = readdir(listing)) != NULL)
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	if (listing != NULL)
		(void)closedir(listing);
	else if (fd >= 0)
		(void)close(fd);
	return bytes;
}

static emr_status look_at_ledger(const char *dir, int own, hosted *h, char *out_names, size_t size)
{
	EMR_AUTO_LEDGER_COPY ledger = NULL;
	EMR_AUTO_BUF orgs = {0};
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/" EMR_NETWORK_DIR_LEDGER, dir) >= (int)sizeof path)
		return EMR_INVALID;
	EMR_TRY(emr_network_dir_name(dir, h->network));
	EMR_TRY(emr_ledger_copy_open(path, &ledger));
	EMR_TRY(emr_ledger_copy_tell(ledger, &h->facts));
	EMR_TRY(emr_ledger_copy_orgs(ledger, NULL, out_names, size));
	if (h->is_recovering) {
		EMR_TRY(emr_ledger_copy_heard(ledger, own, h->recovery.id, &orgs));
		EMR_TRY(emr_ledger_copy_orgs(ledger, &orgs, h->awaited, sizeof h->awaited));
	}
	return count_members(ledger, h);
}

emr_status host_members(const char *dir, uint64_t *out_n, char *out_names, size_t size)
{
	hosted h = {.pid = 0};

	EMR_TRY(look_at_ledger(dir, -1, &h, out_names, size));
	*out_n = h.members;
	return EMR_OK;
}

static emr_status count_root(void *arg, const emr_pin *pin)
{
	hosted *h = arg;

	(void)pin;
	h->roots++;
	return EMR_OK;
}

static emr_status look_at_blocks(const char *dir, int own, hosted *h)
{
	char path[PATH_MAX], index[PATH_MAX];
	emr_store_options options = {.path = path, .index_path = index, .read_only = true};
	EMR_AUTO_BUF writer = {0};
	emr_store *store = NULL;
	emr_status status = host_keeps_read(own, HOST_WRITER, &writer);

	if (status == EMR_OK && writer.len == sizeof options.writer.b)
		memcpy(options.writer.b, writer.data, sizeof options.writer.b);

	(void)snprintf(path, sizeof path, "%s/" EMR_NETWORK_DIR_BLOCKS, dir);
	(void)snprintf(index, sizeof index, "%s/" EMR_NETWORK_DIR_HOST "/index", dir);
	status = emr_store_open(&options, &store);
	if (status == EMR_OK)
		status = emr_store_each_pin(store, count_root, h);
	if (status == EMR_OK) /* its owner's, and those of a writer before */
		status = emr_store_each_foreign_pin(store, count_root, h);
	emr_store_close(store);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static void look_at_asked(int own, hosted *h)
{
	EMR_AUTO_BUF text = {0};
	unsigned long long times;

	if (host_keeps_read(own, HOST_OVER, &text) == EMR_OK &&
		sscanf((const char *)text.data, "%64[0-9a-f] %llu", h->over, &times) == 2)
		h->over_times = times;
	else
		h->over[0] = '\0';
}

static emr_status look(const char *dir, hosted *h)
{
	EMR_AUTO_FD dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_FD own = -1;
	EMR_AUTO_BUF settings = {0};
	struct statvfs disk;
	char folder[2], names[2];
	emr_status status;

	if (dirfd < 0 || fstatvfs(dirfd, &disk) != 0)
		return EMR_IO;
	own = openat(dirfd, EMR_NETWORK_DIR_HOST, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (own >= 0) {
		look_at_asked(own, h);
		status = emr_recovery_read(own, &h->recovery);
		h->is_recovering = status == EMR_OK;
		EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status);
	}
	status = look_at_ledger(dir, own, h, names, sizeof names);
	/* Where all was lost there is none yet. */
	if (!h->is_recovering)
		EMR_TRY(status);
	if (own >= 0)
		EMR_TRY(look_at_blocks(dir, own, h));
	h->ledger_bytes = bytes_below(dirfd, EMR_NETWORK_DIR_LEDGER);
	h->block_bytes = bytes_below(dirfd, EMR_NETWORK_DIR_BLOCKS);
	h->free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (own < 0)
		return EMR_OK;
	if (emr_session_holder(own, folder, sizeof folder, &h->pid) != EMR_OK)
		h->pid = 0;
	if (emr_file_read(own, EMR_HOST_AT, SETTINGS_MAX, &settings) == EMR_OK)
		EMR_TRY(emr_served_at_read(emr_buf_view(&settings), &h->at));
	return EMR_OK;
}

/* Each live record has one root at least: so many fewer are here, whatever the others are. */
static uint64_t missing_roots(const hosted *h)
{
	const uint64_t records = h->facts.records + h->facts.bare;

	return !emr_id32_is_zero(h->at.key) && records > h->roots ? records - h->roots : 0;
}

static void say_missing(emr_out *out, const hosted *h)
{
	char parts[EMR_COUNT_BYTES], roots[EMR_COUNT_BYTES];

	emr_count_text(h->facts.bare, "record", "records", parts);
	emr_count_text(missing_roots(h), "record", "records", roots);
	if (h->facts.bare > 0)
		emr_say(out,
			"  Without their description here: %s.  Members who have it bring it while "
			"their folders are open; what nobody brings is lost.\n",
			parts);
	if (missing_roots(h) > 0)
		emr_say(out,
			"  Without their blocks here, at least: %s.  Members who have them send "
			"them while their folders are open; what nobody sends is lost.\n",
			roots);
	if (h->over_times > 0)
		emr_say(out, "  Asked for more than its share most often (%llu times): %s\n",
			(unsigned long long)h->over_times,
			h->over_handle[0] != '\0' ? h->over_handle : h->over);
}

static void say(emr_out *out, const hosted *h)
{
	char when[EMR_TEXT_BYTES], ledger[EMR_TEXT_BYTES], blocks[EMR_TEXT_BYTES];
	char room[EMR_TEXT_BYTES], members[EMR_COUNT_BYTES], entries[EMR_COUNT_BYTES];

	if (h->pid != 0)
		emr_say(out, "The host serves %s at %s (process %d).\n", h->network, h->at.url,
			h->pid);
	else if (h->at.url[0] != '\0')
		emr_say(out, "No host runs. The last one served %s at %s.\n", h->network,
			h->at.url);
	else
		emr_say(out, "No host has served %s yet.\n", h->network);
	if (h->at.pin[0] != '\0')
		emr_say(out, "  Its key: %s\n", h->at.pin);
	emr_count_text(h->members, "member", "members", members);
	emr_count_text(h->facts.entries, "entry", "entries", entries);
	emr_time_text((int64_t)h->facts.last_unix_s, when);
	emr_size_text(h->ledger_bytes, ledger);
	emr_size_text(h->block_bytes, blocks);
	emr_size_text(h->free_bytes, room);
	emr_say(out, "  %s, %s, the last on %s.\n", members, entries, when);
	emr_say(out, "  Ledger: %s.  Blocks: %s.  Free on this disk: %s.\n", ledger, blocks, room);
	say_missing(out, h);
}

static void say_recovery(emr_out *out, const hosted *h, const char *dir)
{
	char entries[EMR_COUNT_BYTES], file[4400];

	if (!h->is_recovering) {
		emr_out_put(out, "recovery", json_null());
		return;
	}
	emr_remark_that(out, EMR_SAY_HOST_RECOVERS, "dir", dir, NULL);
	emr_count_text(h->facts.entries, "entry", "entries", entries);
	emr_say(out, "  It has %s; the newest head that was brought has %llu.  Awaited: %s.\n",
		entries, (unsigned long long)h->recovery.heads[0].size,
		h->awaited[0] != '\0' ? h->awaited : "-");
	snprintf(file, sizeof file, "%.4000s/" EMR_NETWORK_DIR_HOST "/" EMR_RECOVERY_OTHER, dir);
	if (h->recovery.is_split)
		emr_remark_that(out, EMR_SAY_HOST_SPLIT, "file", file, NULL);
	emr_out_put(out, "recovery",
		json_pack("{s:I, s:I, s:b, s:s}", "entry_count", (json_int_t)h->facts.entries,
			"head", (json_int_t)h->recovery.heads[0].size, "split",
			h->recovery.is_split, "organisations_awaited", h->awaited));
}

int emr_host_status(const emr_args *args, emr_out *out)
{
	EMR_AUTO_FREE char *dir = emr_path_real(args->operands[0]);
	hosted h = {.pid = 0};
	emr_problem problem = {0};
	char when[EMR_TEXT_BYTES];
	emr_status status = emr_network_dir_check(dir != NULL ? dir : args->operands[0], &problem);

	if (status == EMR_OK)
		status = look(dir, &h);
	if (status != EMR_OK)
		return emr_out_done(out, status, &problem, args->operands[0]);
	say(out, &h);
	emr_time_json((int64_t)h.facts.last_unix_s, when);
	emr_out_text(out, "network", h.network);
	emr_out_text(out, "url", h.at.url);
	emr_out_text(out, "pin", h.at.pin);
	emr_out_number(out, "pid", (uint64_t)h.pid);
	emr_out_number(out, "member_count", h.members);
	emr_out_number(out, "ledger_entries", h.facts.entries);
	emr_out_text(out, "last_at", when);
	emr_out_number(out, "ledger_bytes", h.ledger_bytes);
	emr_out_number(out, "blocks_bytes", h.block_bytes);
	emr_out_number(out, "free_bytes", h.free_bytes);
	say_recovery(out, &h, dir);
	emr_out_number(out, "records", h.facts.records + h.facts.bare);
	emr_out_number(out, "missing_parts", h.facts.bare);
	emr_out_number(out, "missing_roots", missing_roots(&h));
	emr_out_text(out, "asked_most", h.over);
	emr_out_text(out, "asked_most_handle", h.over_handle);
	emr_out_number(out, "asked_most_times", h.over_times);
	host_say_moved(out, &h.at);
	host_say_agent(out);
	return EMR_EXIT_DONE;
}
