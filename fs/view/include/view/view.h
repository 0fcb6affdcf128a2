/* The folder: the replica's facts decrypted into a tree, plus everything this computer has changed
 * since. Knows nothing of the kernel: no errno, no request, no path of a mount.  Refuses to wait
 * for anything but the local disk.
 *
 * Thread rules: every function may be called from any thread.  Order of locks inside: one file
 * (file->lock), then the tree (view->lock), then the journal.  Callbacks of emr_view_each_entry and
 * emr_view_list_attributes run under the tree lock: they copy and return. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "headers/headers.h"
#include "journal/journal.h"
#include "keyring/keyring.h"
#include "ledger/ledger.h"
#include "record/content.h"
#include "record/staging.h"
#include "replica/replica.h"
#include "settle/settle.h"
#include "store/car_store.h"

typedef struct emr_view emr_view;
typedef struct emr_handle emr_handle; /* one open file */

#define EMR_ROOT_NODE 1
/* Where .emrfs/consent leads to: a directory like any other, made when that is followed. */
#define EMR_CONSENTS_FOLDER "Consents"

typedef struct emr_attr {
	uint64_t node; /* number of this version of the file; never used again in one mount */
	uint64_t ino;  /* kept over remounts and local edits */
	emr_meta_type type;
	uint16_t mode; /* permission bits and sticky bit; set-id bits are never kept */
	uint32_t nlink;
	uint64_t size_bytes;
	uint64_t hole_bytes; /* of those: where nothing was ever written, as far as that is known */
	int64_t mtime_ns;
	int64_t ctime_ns;
	bool is_virtual; /* below .emrfs: made on the fly */
} emr_attr;

struct emr_owner_called;
struct emr_shared_notice;

/* Everything is borrowed and must outlive the view. */
struct emr_copy_claim;

typedef struct emr_view_options {
	int state_dirfd; /* for free space and the spill folder */
	emr_keyring *keyring;
	emr_store *store;
	emr_journal *journal;
	emr_record_ctx *records;
	struct emr_fetcher *fetcher; /* brings blocks that are not here; NULL: nobody does */
	emr_ledger *ledger;
	emr_replica *replica;
	emr_facts *facts;
	emr_settle *settle;
	const char *headers_program; /* reads what files say about themselves (headers/headers.h);
					NULL: nobody does.  Copied */
	bool lists_patients; /* of DICOM files also the patient's name and ids, for all who list */
	const emr_clock *clock;
	uint64_t space_step_bytes; /* for tests: space is looked for in steps of this; 0 = 32 MiB */
	bool read_only;
	bool without_shares; /* what others share is not shown: what is read of it could not be
				noted */
	uint8_t purpose;     /* for which records of others are opened: the number of its bit; 0 =
				treatment */
	const char
		*person; /* whose edits these are, for names of conflicts; NULL: "this computer" */
	const struct emr_card *owner; /* whose folder this is, for user.emrfs.owner: name, date of
					 birth and signer id; NULL: not said */
	int64_t quiet_ns;	      /* a change this old is published; 0 = 1 s */
	int64_t sync_ns;	      /* a closed file is on the disk after this; 0 = 5 s */
	/* Tells the kernel what is out of date: an entry of a directory (NAME), or a whole node
	 * (NAME NULL). Called without any lock; must not call back into the view. */
	void (*changed)(void *arg, uint64_t node, const char *name);
	void *changed_arg;
	/* Which roots are pinned in the store has changed.  Called under locks; must return at once
	 * and not call back.  May be NULL. */
	void (*pins_changed)(void *arg);
	/* Somebody else left ROOT in a folder of the owner's.  As above. */
	void (*came)(void *arg, const emr_cid *root);
	/* In how many places all of what is below ROOT is, and in how many it should be.  Any
	 * thread, without a lock of the view.  NULL: here alone. */
	void (*copies)(void *arg, const emr_cid *root, unsigned *out_held, unsigned *out_wanted);
	/* A reader could not have all of what is below ROOT.  As above; may be NULL. */
	void (*missed)(void *arg, const emr_cid *root);
	void *copies_arg; /* of these three */
	bool has_nodes;	  /* that are to let go of what is erased: rows EMR_ROW_LEAVING are made */
	/* Others' Inboxes that records may be left in (share/deposit.h); called by a thread of the
	 * view, without a lock; NULL: none. */
	const struct emr_inboxes *inboxes;
	void *inboxes_arg;
	/* Whether what a participant of a de-identified dataset shares is a copy by its rules
	 * (view/received.h).  One thread of the view, without a lock.  NULL: nothing is. */
	emr_status (*look_at_copy)(
		void *arg, const struct emr_copy_claim *claim, bool *out_is_copy);
	void *look_at_copy_arg;
	/* Shows the owner's shares (view/giving.h); NULL: nothing is shown. */
	const struct emr_giving *giving;
	void *giving_arg;
	/* The files of the hidden folder .emrfs: names, and how one's bytes are made when it is
	 * opened; those whose names begin with EMR_SPECIAL_TOP lie, without it, at the top of a
	 * folder that shows one dataset.  MAKE is called without a lock and may call the view. */
	const char *const *special_names;
	size_t special_count; /* at most EMR_SPECIAL_MAX */
	emr_status (*make_special)(void *arg, const char *name, emr_buf *out);
	/* The bytes of .emrfs/proof/PATH.tlog-proof, for the content at PLACE; NULL: there is no
	 * such folder.  As MAKE_SPECIAL. */
	emr_status (*make_proof)(void *arg, const emr_place *place, emr_buf *out);
	void *special_arg;
	/* Something a person should know: ERROR_ID is a message id ("bad-data"), PATH the record's
	 * (may be ""). */
	void (*notice)(void *arg, const char *error_id, const char *path);
	/* The same with what "refused" and "conflict" say besides: the reason, or who.  NULL: goes
	 * to NOTICE without. */
	void (*notice_with)(void *arg, const char *error_id, const char *path, const char *detail);
	/* Names the holder of the key SIGNER_ID, as the ledger does: "Paula Lima, São Lucas", or ""
	 * for the person whose folder this is.  EMR_NOT_FOUND: nobody is registered with it.  Any
	 * thread, without a lock of the view.  May be NULL: nobody is known. */
	emr_status (*named)(void *arg, emr_id32 signer_id, char *out, size_t size);
	/* The name of each of the N people of IDS: the name in the book, else the certificate's
	 * with its organisation; "" where neither is here. All is said but `code`. May change when
	 * INBOXES' generation does. As NAMED. */
	emr_status (*names)(void *arg, const emr_id32 *ids, size_t n, struct emr_owner_called *out);
	void *named_arg; /* of these two */
	/* Something about what another shares (view/received.h).  May be NULL. */
	void (*shared_notice)(void *arg, const struct emr_shared_notice *notice);
	void *shared_notice_arg;
	void *notice_arg; /* of the other two */
} emr_view_options;

#define EMR_SPECIAL_MAX 24
#define EMR_SPECIAL_TOP "dataset/"

/* For a new keyring on an empty ledger: makes the folder's own domain and that of Inbox.  Does
 * nothing where they are there already.  Uses facts, clock, and settle, which has heard of the
 * ledger, of OPTIONS. */
emr_status emr_view_initialise(const emr_view_options *options);
/* Loads the tree: replica, journal, then spills (the order of a recovery).  Starts no thread. */
emr_status emr_view_open(const emr_view_options *options, emr_view **out_view);
/* The names of the files in .emrfs/requests from now on; their bytes are asked of make_special as
 * "requests/NAME".  Without a lock of the caller's that `changed` may want.  EMR_NO_MEMORY: some
 * are lacking. */
emr_status emr_view_set_requests(emr_view *view, const char *const *names, size_t n);
/* Starts the threads (keeper.c).  Without them (tests, `-f` tools) emr_view_publish_now and
 * emr_view_sync do the same on call. */
emr_status emr_view_start(emr_view *view);
/* The records of DOMAIN have just become readable here: they come into the tree as from another
 * computer.  Any thread. */
emr_status emr_view_take_in(emr_view *view, emr_id16 domain);
/* Stops the threads and hands everything open to the disk.  NULL is fine. */
void emr_view_free(emr_view *view);

/* ---- the namespace.  Every emr_attr given out by lookup, create, mkdir, symlink and by each_entry
 * with `take` counts one kernel reference, returned by emr_view_forget. */
/* NAME "." is PARENT itself, also a file, and ".." what it lies in. */
emr_status emr_view_lookup(emr_view *view, uint64_t parent, const char *name, emr_attr *out_attr);
void emr_view_forget(emr_view *view, uint64_t node, uint64_t count);
/* Says `changed` of what somebody in this process, and not the kernel, has changed: the name NAME
 * in the directory NODE, or the node itself (NULL); and both.  Without a lock of the view. */
void emr_view_tell(emr_view *view, uint64_t node, const char *name);
void emr_view_tell_entry(emr_view *view, uint64_t directory, const char *name);
emr_status emr_view_attr(emr_view *view, uint64_t node, emr_attr *out_attr);

enum {
	EMR_SET_MODE = 1,
	EMR_SET_SIZE = 2,
	EMR_SET_MTIME = 4,
};
/* Sets what MASK names and gives the attributes that follow.  A change of size starts or extends a
 * working copy. */
emr_status emr_view_set_attr(
	emr_view *view, uint64_t node, unsigned mask, const emr_attr *wanted, emr_attr *out_attr);

emr_status emr_view_mkdir(
	emr_view *view, uint64_t parent, const char *name, uint16_t mode, emr_attr *out_attr);
emr_status emr_view_symlink(
	emr_view *view, uint64_t parent, const char *name, const char *target, emr_attr *out_attr);
emr_status emr_view_create(emr_view *view, uint64_t parent, const char *name, uint16_t mode,
	int open_flags, emr_attr *out_attr, emr_handle **out_handle);
/* As create, but leaves the file closed (mknod of a regular file). */
emr_status emr_view_make(
	emr_view *view, uint64_t parent, const char *name, uint16_t mode, emr_attr *out_attr);
emr_status emr_view_unlink(emr_view *view, uint64_t parent, const char *name);
emr_status emr_view_rmdir(emr_view *view, uint64_t parent, const char *name);
/* NO_REPLACE: EMR_EXISTS when the target is there.  EXCHANGE: both must be there, and swap. */
enum {
	EMR_RENAME_NO_REPLACE = 1,
	EMR_RENAME_EXCHANGE = 2,
};
emr_status emr_view_rename(emr_view *view, uint64_t parent, const char *name, uint64_t new_parent,
	const char *new_name, unsigned flags);
/* The target, NUL-terminated, owned by the caller. */
emr_status emr_view_read_link(emr_view *view, uint64_t node, char **out_target);

/* Calls TAKE for each entry after COOKIE (0 = from the start), "." and ".." included, in an order
 * in which nothing that stays is missed or given twice, until it returns false.  NEXT is the cookie
 * to go on from. */
typedef bool (*emr_entry_fn)(void *arg, const char *name, const emr_attr *attr, uint64_t next);
emr_status emr_view_each_entry(
	emr_view *view, uint64_t node, uint64_t cookie, bool take, emr_entry_fn fn, void *arg);

/* ---- open files.  FLAGS are open(2)'s.  A handle keeps its node alive. */
emr_status emr_view_open_file(emr_view *view, uint64_t node, int flags, emr_handle **out_handle);
/* OUT_LEN < LEN only at the end of the file.  Never a byte that was not verified.  EMR_BUSY: a
 * block is not on this computer; see emr_view_await_block (view/received.h). */
emr_status emr_view_read(emr_handle *handle, uint64_t at, void *data, size_t len, size_t *out_len);
/* The same of what is to be changed here, and in emr_view_set_attr and emr_view_allocate. */
emr_status emr_view_write(emr_handle *handle, uint64_t at, emr_bytes bytes);
/* lseek(2) with SEEK_DATA or SEEK_HOLE, in steps of 256 KiB.  EMR_NOT_FOUND: ENXIO.  Says data of
 * what another handle may have mapped to write, of what others share, and of virtual files. */
emr_status emr_view_seek(emr_handle *handle, uint64_t at, bool wants_hole, uint64_t *out_at);
/* Does what close(2) promises: everything written is in the operating system's hands, with its
 * journal row. */
emr_status emr_view_flush(emr_handle *handle);
/* Does what fsync(2) promises: as flush, and on the disk. */
emr_status emr_view_fsync(emr_handle *handle);
/* Extends, when there is room for that beside all that is being written: EMR_NO_SPACE at once, and
 * nothing changes.  KEEP_SIZE changes nothing else.  Room is not put aside: other programs may take
 * it. */
emr_status emr_view_allocate(emr_handle *handle, uint64_t at, uint64_t len, bool keep_size);
/* A read that is still under way ends well; no other call may be. */
void emr_view_release(emr_handle *handle);
/* It came into being with its file, and nothing is read or mapped through it: what is written may
 * go past the kernel's cache. */
bool emr_handle_is_past_cache(const emr_handle *handle);
/* The same, and somebody has opened the file since: the cache may hold what was there before a
 * write that has just been made. */
bool emr_handle_leaves_old_pages(const emr_handle *handle);
/* fsync of a directory: every name given so far is on the disk. */
emr_status emr_view_sync(emr_view *view);

/* Tells STATUS of a refused call on NAME in NODE (NULL: on NODE itself) as a notice, when a person
 * would not understand the errno alone; at most twenty a minute of one kind.  Gives STATUS back. */
emr_status emr_view_refuse(emr_view *view, uint64_t node, const char *name, emr_status status)
	__attribute__((warn_unused_result));

/* ---- attributes.  user.* are the person's; what emrfs says answers as user.emrfs.NAME, and is
 * listed nowhere: programs that copy take along what is listed.  Other namespaces are
 * EMR_UNSUPPORTED.  A value that would let anybody see more, or more programs in,
 * needs the node's code, which is asked for as user.emrfs.confirm: EMR_FORBIDDEN. */
/* The names after `user.emrfs.` of what emrfs itself says, for the manual; NULL after the last. */
const char *emr_view_attribute_name(size_t index);
emr_status emr_view_get_attribute(emr_view *view, uint64_t node, const char *name, emr_buf *out);
enum {
	EMR_ATTRIBUTE_CREATE = 1,
	EMR_ATTRIBUTE_REPLACE = 2,
};
emr_status emr_view_set_attribute(
	emr_view *view, uint64_t node, const char *name, emr_bytes value, unsigned flags);
emr_status emr_view_remove_attribute(emr_view *view, uint64_t node, const char *name);
/* The names, each with its NUL, one after the other. */
emr_status emr_view_list_attributes(emr_view *view, uint64_t node, emr_buf *out);

/* The facts of a live node that are known without asking the ledger.  EMR_NOT_FOUND. */
typedef struct emr_record_facts {
	emr_id16 object; /* on the ledger, or the one it will get */
	uint64_t cver;	 /* of the published content; 0: none yet */
	bool is_local;
	bool is_confirmed;   /* the ledger has all of it */
	emr_headers headers; /* of the content that was published last */
} emr_record_facts;
emr_status emr_view_record(emr_view *view, uint64_t node, emr_record_facts *out);

/* ---- inner domains: what is shared is a domain (fs/share).  A top-level directory is one; an
 * inner directory, or a single file, can be made one. */
/* PATH is the root of a domain of its own from now on (or was already): new files below it go
 * there, and publishing moves what is there, by wraps only, also after a restart.  EMR_NOT_FOUND;
 * EMR_INVALID (a link); EMR_UNSUPPORTED (a name that is never published); EMR_READ_ONLY. */
emr_status emr_view_make_domain(emr_view *view, const char *path, emr_id16 *out_domain);
/* A name that emr_view_make_domain gave since the folder was opened, as it is now: a record that
 * was on its way to the ledger at that moment came to be called otherwise. */
emr_id16 emr_view_domain_now(emr_view *view, emr_id16 domain);
/* Publishes what went away from DOMAIN (removed, thrown away, moved elsewhere), so that nobody who
 * gets it from now on gets that.  EMR_BUSY: some of it cannot be published yet. */
emr_status emr_view_let_go(emr_view *view, emr_id16 domain);
typedef struct emr_domain_state {
	uint64_t records;    /* that lie in it, its root and links included */
	uint64_t left;	     /* of them still published in the domain around it */
	uint64_t failed;     /* of those, cannot be moved as they are: `failed` files */
	uint64_t kept_out;   /* besides: others put them there, and they are forged or do not open;
				they stay where they were, in no share of the domain */
	uint64_t old_places; /* that its records have left, and that are not removed on the ledger
				yet */
	bool is_made;	     /* the ledger knows the domain and its root */
	bool is_whole;	     /* nothing of it is left elsewhere: it may be granted */
} emr_domain_state;
/* EMR_NOT_FOUND: no such domain in this folder. */
emr_status emr_view_domain_state(emr_view *view, emr_id16 domain, emr_domain_state *out_state);
typedef struct emr_inner_domain {
	emr_id16 domain;
	emr_id16 outer; /* the domain that its root hangs in; zero: this is the folder's own */
} emr_inner_domain;
/* DOMAIN (zero: the folder's) and all that lie below it, outer ones first: emr_inner_domain, ...
 * appended to OUT. */
emr_status emr_view_domains_below(emr_view *view, emr_id16 domain, emr_buf *out);
typedef struct emr_path_domain {
	emr_id16 domain; /* that it belongs to; of a root that is new: the one it will be */
	emr_id16 own;	 /* that it is the root of, or would be if it were made one now */
	bool is_root;	 /* it is that domain's root */
	bool is_local;	 /* never published */
	emr_meta_type type;
} emr_path_domain;
emr_status emr_view_domain_of(emr_view *view, const char *path, emr_path_domain *out);
/* Something was granted or taken back: publishing looks soon whether domains inside shared ones
 * follow it (emr_share_tie).  It does so by itself when a domain was made or moved, and at a start.
 */
void emr_view_tie(emr_view *view);
/* Where the root of DOMAIN lies now, owned by the caller.  EMR_NOT_FOUND. */
emr_status emr_view_domain_path(emr_view *view, emr_id16 domain, char **out_path);

/* ---- what was.  The past itself lies below .emrfs/at and .emrfs/deleted. */
typedef struct emr_file_version {
	uint64_t cver; /* what people see: "v3"; one that was brought back has its old number again
			*/
	uint64_t bytes;
	uint64_t time_unix_s; /* of the ledger */
	bool is_deletion; /* not a version: here the file went away; CVER and BYTES as before it */
	bool is_current;  /* what the file is now, if it is there */
	emr_id32 signer_id; /* who registered it, or the deletion */
	uint64_t seq;	    /* with which entry */
} emr_file_version;
/* Appends the versions of the file at PATH, or of the one that was deleted from there last,
 * emr_file_version, oldest first; renaming and moving make none.  Changes that are not published
 * yet are published first if they can be. EMR_NOT_FOUND, EMR_IS_DIRECTORY (one that was deleted,
 * too), EMR_INVALID (a link). */
emr_status emr_view_versions(emr_view *view, const char *path, emr_buf *out);

typedef struct emr_restore {
	const char *path;
	uint64_t until_unix_s; /* as it was at the end of this second; 0: not said */
	uint64_t cver;	       /* this version; 0: not said */
	const char *to;	       /* under this name, as a new record; NULL: at PATH */
} emr_restore;
typedef struct emr_restored {
	uint64_t cver; /* of what was brought back; 0 of a link */
	uint64_t bytes;
	bool is_unchanged; /* PATH was that version already */
	bool is_directory; /* that came back with nothing in it */
} emr_restored;
/* A file that is there becomes its earlier version again, under the old number; what it was stays a
 * version.  A file that was deleted comes back, with the directories it lay in.  Programs that have
 * the file open go on with what they opened. Done when it returns; the ledger has it as soon as
 * after any save.  EMR_NOT_FOUND (neither there nor deleted), EMR_RANGE (no such version),
 * EMR_INVALID (it is there, and nobody said which), EMR_IS_DIRECTORY, EMR_NOT_DIRECTORY,
 * EMR_EXISTS, EMR_BUSY (it is being written), EMR_READ_ONLY, EMR_MISSING_DATA and EMR_DAMAGED
 * (nothing was changed). */
emr_status emr_view_restore(emr_view *view, const emr_restore *what, emr_restored *out_restored);
/* RESTORED of the file or link that was deleted from PATH, or STATUS, for which it did not come
 * back. */
typedef emr_status (*emr_restored_fn)(
	void *arg, const char *path, emr_status status, const emr_restored *restored);
/* A folder that was deleted comes back with every file and link that was deleted from it or from
 * folders in it, and with the folders that have none of these; FN is called for each, and the first
 * that it returns ends that.  Not with CVER or TO (EMR_INVALID).  EMR_NOT_FOUND: no such folder was
 * deleted; EMR_IS_DIRECTORY: something is there. */
emr_status emr_view_restore_folder(
	emr_view *view, const emr_restore *what, emr_restored_fn fn, void *arg);

/* ---- what is kept here.  user.emrfs.keep ("yes", "no") is remembered with a file or directory and
 * holds for everything in it that says nothing else.  With one computer it is a wish: everything is
 * here, and the last copy is never dropped. */
typedef struct emr_kept {
	const char *path;
	uint64_t bytes;	  /* of the files at or below it */
	bool is_complete; /* every block of them is here (looked up, not read) */
	bool is_wanted;
} emr_kept;
typedef emr_status (*emr_kept_fn)(void *arg, const emr_kept *kept);
/* PATH; for the top ("") also everything below it that says something of its own.  FN is called
 * without any lock. */
emr_status emr_view_each_kept(emr_view *view, const char *path, emr_kept_fn fn, void *arg);
/* Gives back every byte of the store that is of no use, now.  EMR_NO_SPACE, EMR_READ_ONLY. */
emr_status emr_view_purge(emr_view *view, uint64_t *out_bytes);

/* ---- moving.  As `mv`: into TO when that is a directory, else to that name; never over anything.
 */
typedef struct emr_move {
	const char *from, *to; /* paths from the top */
	bool only_look;
	/* emr_moved.sum of the look that a person was asked with; all zero: nobody was.  A writer
	 * of that folder could have put something else in the place of both. */
	emr_id32 seen;
} emr_move;
typedef struct emr_moved {
	char *path;	      /* where it is, or would be */
	emr_buf gains, loses; /* emr_id32 of whom else: who sees it, or more or longer of it, there
				 and not here; here and not there */
	emr_id32 sum;	      /* SHA-256 over what it is, into what, and whom it gains */
} emr_moved;
/* EMR_CONFLICT: it is not what was seen; EMR_NOT_FOUND, EMR_EXISTS, EMR_CROSS (into itself),
 * EMR_NOT_DIRECTORY, EMR_RESERVED_NAME, EMR_BAD_NAME, EMR_DENIED, EMR_READ_ONLY.  Free with
 * emr_moved_free. */
emr_status emr_view_move(emr_view *view, const emr_move *what, emr_moved *out_moved);
void emr_moved_free(emr_moved *moved);

/* ---- what shall never be read again */
typedef struct emr_erase {
	const char *path; /* a file, a directory with everything in it, or what was deleted from
			     there; NULL: everything deleted */
	bool unreadable; /* with PATH NULL: not what was deleted, but what others left in domains of
			    mine and what does not open */
	uint64_t until_unix_s; /* with PATH NULL: what was deleted up to then; 0: all of it */
	bool only_look;	       /* count what would go */
	/* emr_erased.objects of the look that a person was asked with; all zero: nobody was.  A
	 * writer of that folder could have put another record there since. */
	emr_id32 objects;
	/* May be NULL: the path of each file that stays, and that by its name a program made of
	 * what goes.  Not called by a look; under no lock. */
	void (*stays)(void *arg, const char *path);
	void *arg;
} emr_erase;
typedef struct emr_erased {
	uint64_t live, deleted; /* files and links with all their versions; DELETED had no name any
				   more, or, of what does not open, never had one here */
	uint64_t directories;
	uint64_t scratch; /* files with the bytes of these in the folder's own trash, or kept by an
			     editor: they go with them */
	emr_id32 objects; /* SHA-256 over domain and id of each object that goes, sorted by id */
	bool is_finished; /* false: the rest is done by itself, see WHY */
	emr_status
		why; /* EMR_BUSY (the ledger, or a file that is being written), EMR_NO_SPACE, ... */
	uint64_t bytes_needed; /* free space that EMR_NO_SPACE asks for */
} emr_erased;
/* Destroys the keys and the bytes of every version of what WHAT names, here and on the ledger,
 * which keeps ids and hashes. Cannot be undone, and goes on after a crash once it has begun.
 * EMR_NOT_FOUND, EMR_CONFLICT (not the objects that WHAT says; nothing was done), EMR_BUSY (a file
 * is open for writing; nothing was done), EMR_DENIED (the folder
 * itself, Inbox), EMR_TIMEOUT (the ledger does not answer), EMR_READ_ONLY. */
emr_status emr_view_erase(emr_view *view, const emr_erase *what, emr_erased *out_erased);

/* ---- what is where */
typedef struct emr_space {
	/* Of the disk that holds the store; unused is also what only the super-user may fill. */
	uint64_t total_bytes, free_bytes, unused_bytes, names; /* names in the folder */
} emr_space;
emr_status emr_view_space(emr_view *view, emr_space *out_space);

typedef struct emr_view_counts {
	uint64_t files, directories, bytes; /* names that belong to the records */
	uint64_t local;			    /* files that programs keep, of no record */
	uint64_t pending;		    /* not on the ledger yet */
	uint64_t awaiting;		    /* of those, because copies are wanted first */
	uint64_t failed;		    /* refused, with a notice */
	uint64_t confirmed;
	uint64_t pending_bytes; /* of the pending files whose bytes the ledger does not know */
	uint64_t writing, writing_bytes; /* files that a program is writing, scratch too, and how
					    long they are by now */
	uint64_t unhanded;		 /* files of which some bytes are in this process only */
	uint64_t not_safe; /* names that a power cut, or the end of this process, would take back
			      although no program is writing them: the disk is full or refuses */
	uint64_t spared_bytes; /* not given back: they may be of a file a part of which is away */
	bool has_no_room;      /* the last try to get something to the ledger found the disk full */
	uint64_t conflicts; /* copies of files that were changed in two places, in one's own folder;
			       what lies in others' counts until it is sent */
} emr_view_counts;
void emr_view_count(emr_view *view, emr_view_counts *out_counts);
/* Each name at or below PATH, or with "" anywhere also in others' folders, that is not on the
 * ledger as it is here: until FN says false.  IS_LOCAL: a file that never will be under that name.
 * It calls nothing of the view. */
typedef bool (*emr_unsent_fn)(void *arg, const char *path, uint64_t size_bytes, bool is_local);
emr_status emr_view_each_unsent(emr_view *view, const char *path, emr_unsent_fn fn, void *arg);
/* Up to MAX of those that are not safe, as nodes; returns how many. */
size_t emr_view_not_safe(emr_view *view, uint64_t *out, size_t max);
/* Up to MAX files that show an earlier version because the working copy that a flush had covered
 * was missing or cut when the folder was opened, as nodes; returns how many. */
size_t emr_view_went_back(emr_view *view, uint64_t *out, size_t max);
/* Why the disk did not take what was handed to it last: EMR_NO_SPACE; EMR_IO, it refuses to write
 * or to flush, and what no flush has covered is in doubt until the folder is opened again; EMR_OK.
 */
emr_status emr_view_disk(emr_view *view);
/* Hands everything to the disk and flushes it, before the folder closes; with ALL also what
 * programs are writing at this moment.  The first failure, after everything was tried. */
emr_status emr_view_secure(emr_view *view, bool all);

typedef struct emr_view_written {
	uint64_t node, bytes;
} emr_view_written;
/* Changes in the journal that go on from what the ledger has: none when another ledger may take its
 * place.  Files that are not published, and will not be, do not count. */
emr_status emr_view_waiting(emr_view *view, uint64_t *out_waiting);
/* Up to MAX of the files that are being written now; returns how many. */
size_t emr_view_writing(emr_view *view, emr_view_written *out, size_t max);
/* Up to MAX copies of files that were changed in two places, as nodes, in one's own folder and
 * where one writes in others'; returns how many. */
size_t emr_view_conflicts(emr_view *view, uint64_t *out, size_t max);
/* Why the folder takes no changes any more although it was opened for them (what the ledger or its
 * copy here made impossible to believe); EMR_OK: it does. */
emr_status emr_view_stopped_by(emr_view *view);
/* How many entries of the ledger the folder shows.  False: it is read-only, or became so. */
bool emr_view_shows(emr_view *view, uint64_t *out_entries);
/* Nothing more is saved in this folder while it is open: the ledger is not what it was.  Any
 * thread; the caller says why. */
void emr_view_distrust_ledger(emr_view *view, emr_status why);
/* The same; says why itself, once, by a notice. */
void emr_view_stop_writing(emr_view *view, emr_status why);
/* Follows a path from the top, symbolic links not followed; "" is the top. Takes no kernel
 * reference. */
emr_status emr_view_find(emr_view *view, const char *path, emr_attr *out_attr);
/* Where the content of the file at PATH stands on the ledger.  EMR_NOT_FOUND, EMR_IS_DIRECTORY;
 * EMR_NO_ATTRIBUTE: not there as it is now, or a link. */
emr_status emr_view_place(emr_view *view, const char *path, emr_place *out_place);
/* The path of a live node from the top, owned by the caller. */
emr_status emr_view_path(emr_view *view, uint64_t node, char **out_path);
/* The path of what has, or will get, this object id on the ledger.  EMR_NOT_FOUND. */
emr_status emr_view_path_of_object(emr_view *view, emr_id16 object, char **out_path);

/* Somewhere else there is a copy more of something: what waits for copies is looked at.  Any
 * thread, without a lock. */
void emr_view_copies_came(emr_view *view);
/* The pins of ROOTS are lost: says those again that the ledger has, which reads the whole history.
 * Where there are nodes nothing is given back of the disk before this was called once, perhaps
 * with no root.  EMR_BUSY: nobody knows which are there; EMR_READ_ONLY. */
emr_status emr_view_pins_lost(emr_view *view, const emr_cid *roots, size_t n);
/* How long nothing was changed in the folder by programs; for a thread that gives way to them.  Any
 * thread, without a lock. */
int64_t emr_view_quiet_ns(emr_view *view);
/* Publishes everything that can be, quiet or not, and waits for the ledger's answer; not for copies
 * that are wanted first. */
emr_status emr_view_publish_now(emr_view *view);
/* Waits until nothing is pending or DEADLINE (boot clock, ns) has passed: EMR_TIMEOUT. */
emr_status emr_view_wait_published(emr_view *view, int64_t deadline_boot_ns);
