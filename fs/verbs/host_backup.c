/* This file is `emrfs host --backup`: it copies a network's directory while members work, so that
 * its host comes back from it. The copy takes the place of the one before when it is whole, and
 * not sooner. It refuses a host that lacks entries, its keys or blocks itself, and a damaged
 * ledger.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "kit/language.h"
#include "kit/text.h"
#include "ledger/copy.h"
#include "ledger/network.h"
#include "ledger/restart.h"
#include "session/network_dir.h"
#include "session/shared_blocks.h"
#include "session/stage.h"
#include "store/segment_file.h"
#include "verbs_private.h"

#define MADE "network" /* in TARGET */
#define NEW MADE ".new"
#define OLD MADE ".old"
#define SMALL_MAX ((size_t)4 << 20)

typedef struct copying {
	int from, target, to, before; /* DIR, TARGET, TARGET/network.new, TARGET/network/blocks */
	uint64_t last;		      /* number of a segment of the host */
	emr_ledger_copy_facts facts;
	uint64_t bytes, new_bytes, damaged; /* of blocks; DAMAGED: places */
} copying;

typedef emr_status (*each_fn)(copying *c, int from, int to, const char *name);

/* FN with each file in the directory NAME of both, DIR and that to make; none without it. */
static emr_status each_in(copying *c, int dir, const char *name, each_fn fn)
{
	EMR_AUTO_FD to = -1;
	int from = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *listing = from >= 0 ? fdopendir(from) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (listing == NULL)
		return errno == ENOENT ? EMR_OK : emr_status_from_errno(errno);
	status = emr_dir_make(c->to, name);
	to = openat(c->to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	while (status == EMR_OK && (errno = 0, entry = readdir(listing)) != NULL)
		if (entry->d_name[0] != '.')
			status = fn(c, from, to, entry->d_name);
	if (status == EMR_OK && errno != 0)
		status = emr_status_from_errno(errno);
	(void)closedir(listing);
	return status;
}

/* Not what belongs to this run, and no directory.  The place is another: the host of a copy is in
 * recovery. */
static emr_status copy_small(copying *c, int from, int to, const char *name)
{
	EMR_AUTO_BUF bytes = {0};
	struct stat st;
	emr_status status;

	(void)c;
	if (strcmp(name, EMR_STATE_LOCK) == 0 ||
		fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return EMR_OK;
	status = emr_file_read(from, name, SMALL_MAX, &bytes);
	if (strcmp(name, EMR_RESTART_PLACE) == 0)
		emr_buf_clear(&bytes);
	if (status == EMR_OK)
		status = emr_file_replace(to, name, emr_buf_view(&bytes), 0600);
	if (bytes.len > 0)
		emr_wipe(bytes.data, bytes.len);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status copy_ledger(copying *c, const char *dir)
{
	EMR_AUTO_LEDGER_COPY copy = NULL;
	EMR_AUTO_BUF descriptor = {0};
	EMR_AUTO_BUF channel = {0};
	EMR_AUTO_FD to = -1;
	emr_ledger_trouble trouble;
	char path[PATH_MAX];
	emr_status status;

	if (snprintf(path, sizeof path, "%s/" EMR_NETWORK_DIR_LEDGER, dir) >= (int)sizeof path)
		return EMR_LIMIT;
	EMR_TRY(emr_ledger_copy_open(path, &copy));
	EMR_TRY(emr_ledger_copy_check(copy, false, &trouble));
	EMR_TRY(emr_ledger_copy_tell(copy, &c->facts));
	EMR_TRY(emr_ledger_copy_descriptor(copy, &descriptor));
	EMR_TRY(emr_dir_make(c->to, EMR_NETWORK_DIR_LEDGER));
	to = openat(c->to, EMR_NETWORK_DIR_LEDGER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_TRY(emr_file_create(to, EMR_NETWORK_DESCRIPTOR, emr_buf_view(&descriptor), 0600));
	status = emr_file_read(
		c->from, EMR_NETWORK_DIR_LEDGER "/" EMR_NETWORK_CHANNEL, PATH_MAX, &channel);
	if (status == EMR_OK)
		status = emr_file_create(to, EMR_NETWORK_CHANNEL, emr_buf_view(&channel), 0600);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	return emr_ledger_copy_write(copy, to, EMR_NETWORK_LEDGER);
}

/* ---- blocks ---- */

static emr_status copy_bytes(int in, int to, const char *name, const emr_segment_extent *now)
{
	EMR_AUTO_FD out =
		openat(to, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	emr_segment_extent made = {0};

	if (out < 0)
		return emr_status_from_errno(errno);
	for (off_t at = 0; (uint64_t)at < now->end;)
		if (sendfile(out, in, &at, now->end - (uint64_t)at) <= 0)
			return EMR_IO;
	EMR_TRY(now->end > 0 ? emr_segment_file_extent(out, 0, &made) : EMR_OK);
	return made.end == now->end && made.damaged == now->damaged ? EMR_OK : EMR_IO;
}

/* The file of the earlier copy stands for this one where it is as whole, or better. */
static emr_status copy_segment(copying *c, int from, int to, const char *name)
{
	emr_segment_extent now = {0}, old = {0};
	EMR_AUTO_FD in = -1;
	EMR_AUTO_FD was = -1;
	emr_id16 writer;
	uint64_t number;
	emr_status status;

	if (!emr_segment_file_parse(name, &writer, &number) ||
		faccessat(to, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return EMR_OK;
	status = emr_segment_file_open(from, name, O_RDONLY, &in);
	if (status == EMR_OK)
		status = emr_segment_file_extent(in, 0, &now);
	/* One that went was written again under another number: the host makes room now. */
	if (status != EMR_OK && status != EMR_DAMAGED)
		return status == EMR_NOT_FOUND ? EMR_BUSY : status;
	c->bytes += now.end;
	c->last = number > c->last ? number : c->last;
	if (c->before >= 0 && emr_segment_file_open(c->before, name, O_RDONLY, &was) == EMR_OK &&
		emr_segment_file_extent(was, 0, &old) == EMR_OK && old.end >= now.end &&
		old.damaged <= now.damaged && linkat(c->before, name, to, name, 0) == 0)
		return EMR_OK;
	c->new_bytes += now.end;
	c->damaged += now.damaged;
	return copy_bytes(in, to, name, &now);
}

/* Numbers grow, and a segment that was reclaimed lives on in a later one: where the earlier copy
 * has the last one, the host has lost it. */
static emr_status check_lost(copying *c, int from, int to, const char *name)
{
	emr_id16 writer;
	uint64_t number;

	(void)from;
	(void)to;
	return emr_segment_file_parse(name, &writer, &number) && number > c->last ? EMR_MISSING_DATA
										  : EMR_OK;
}

/* ---- all of it ---- */

/* The host's own files are judged as they were copied.  The blocks are those of the ledger's
 * moment, or of later. */
static emr_status make(copying *c, const char *dir, emr_problem *out_problem)
{
	EMR_AUTO_FD own = -1;
	host_keeps keeps = {.secret = {0}};
	emr_status status = each_in(c, c->from, EMR_NETWORK_DIR_HOST, copy_small);

	own = openat(c->to, EMR_NETWORK_DIR_HOST, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (status == EMR_OK)
		status = host_keeps_open(dir, own, true, &keeps, out_problem);
	host_keeps_close(&keeps);
	EMR_TRY(status);
	EMR_TRY(each_in(c, c->from, EMR_NETWORK_DIR_HOST "/mail", copy_small));
	EMR_TRY(copy_ledger(c, dir));
	EMR_TRY(each_in(c, c->from, EMR_NETWORK_DIR_BLOCKS, copy_segment));
	status = faccessat(c->to, EMR_NETWORK_DIR_BLOCKS, F_OK, 0) != 0 ? EMR_MISSING_DATA
		 : c->before >= 0 ? each_in(c, c->before, ".", check_lost)
				  : EMR_OK;
	if (status == EMR_MISSING_DATA)
		return EMR_PROBLEM(status, out_problem, EMR_SAY_HOST_FILE, "file",
			EMR_NETWORK_DIR_BLOCKS, "cause", emr_text(emr_status_text(status)), "dir",
			dir, NULL);
	EMR_TRY(status);
	if (syncfs(c->target) != 0 ||
		(renameat(c->target, MADE, c->target, OLD) != 0 && errno != ENOENT) ||
		renameat(c->target, NEW, c->target, MADE) != 0 || fsync(c->target) != 0)
		return emr_status_from_errno(errno);
	return EMR_OK;
}

static emr_status drop(int target, const char *name)
{
	const emr_status status = emr_stage_remove_tree(target, name);

	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* One that was ended while it changed places has the old one, or both. */
static emr_status open_target(copying *c, const char *dir, const char *path)
{
	EMR_TRY(emr_dir_open(dir, &c->from));
	EMR_TRY(emr_dir_open(path, &c->target));
	if (flock(c->target, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return EMR_BUSY; /* not every file system has locks */
	if (faccessat(c->target, MADE, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		(void)renameat(c->target, OLD, c->target, MADE);
	EMR_TRY(drop(c->target, OLD));
	EMR_TRY(drop(c->target, NEW));
	EMR_TRY(emr_dir_make(c->target, NEW));
	c->before = openat(c->target, MADE "/" EMR_NETWORK_DIR_BLOCKS,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (c->before < 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	c->to = openat(c->target, NEW, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return c->to >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

static void say(const copying *c, emr_out *out, const char *target)
{
	char entries[EMR_COUNT_BYTES], fresh[EMR_TEXT_BYTES], shown[4200];

	emr_count_text(c->facts.entries, "entry", "entries", entries);
	emr_size_text(c->new_bytes, fresh);
	emr_show(target, shown, sizeof shown);
	emr_say(out,
		"A copy of the network is in %s/%s: %s, %s of blocks new.  It has the host's key: "
		"keep it as you keep that.\n",
		shown, MADE, entries, fresh);
	emr_out_number(out, "ledger_entries", c->facts.entries);
	emr_out_number(out, "blocks_bytes", c->bytes);
	emr_out_number(out, "new_bytes", c->new_bytes);
	emr_out_number(out, "damaged", c->damaged);
}

int emr_host_backup(const emr_args *args, emr_out *out)
{
	EMR_AUTO_FREE char *dir = emr_path_real(args->operands[0]);
	const char *target = args->values[EMR_OPT_HOST_BACKUP];
	copying c = {.from = -1, .target = -1, .to = -1, .before = -1};
	emr_problem problem = {0};
	emr_status status = emr_network_dir_check(dir != NULL ? dir : args->operands[0], &problem);

	if (status == EMR_OK)
		status = open_target(&c, dir, target);
	if (status == EMR_OK &&
		faccessat(c.from, EMR_NETWORK_DIR_HOST "/" EMR_RECOVERY, F_OK, 0) == 0)
		status =
			EMR_PROBLEM(EMR_AWAITED, &problem, EMR_SAY_HOST_RECOVERS, "dir", dir, NULL);
	if (status == EMR_OK)
		status = make(&c, dir, &problem);
	if (c.to >= 0)
		(void)drop(c.target, status == EMR_OK ? OLD : NEW);
	for (const int *fd = &c.from; fd <= &c.before; fd++)
		if (*fd >= 0)
			(void)close(*fd);
	if (status != EMR_OK)
		return emr_out_done(out, status, &problem, target);
	say(&c, out, target);
	return c.damaged > 0 ? EMR_EXIT_PART : EMR_EXIT_DONE;
}
