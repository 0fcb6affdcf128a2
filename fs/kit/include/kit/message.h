/* Every sentence that emrfs says when something is wrong or must be known: one table for verbs,
 * notices and status. It refuses to pass on control characters of a name, so that a name can
 * neither forge a line nor drive a terminal. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

/* What a verb's exit code says. */
typedef enum emr_exit {
	EMR_EXIT_DONE = 0,
	EMR_EXIT_FAILED = 1,
	EMR_EXIT_USE = 2,
	EMR_EXIT_PART = 3,
	EMR_EXIT_UNSENT = 4,
	EMR_EXIT_NO_SUCH = 5,
	EMR_EXIT_DENIED = 6,
	EMR_EXIT_UNREACHABLE = 7,
	EMR_EXIT_BAD_DATA = 8,
	EMR_EXIT_NOT_OPEN = 10,
	EMR_EXIT_IN_USE = 11,
	EMR_EXIT_PASSPHRASE = 12,
	EMR_EXIT_NEEDS_YES = 13,
	EMR_EXIT_INTERRUPTED = 130,
} emr_exit;

/* A short meaning, or NULL for a number that is no exit code of ours. */
const char *emr_exit_text(int code);

/* Rows with several sentences for one id have one constant each. */
typedef enum emr_message {
	EMR_SAY_READ_ONLY,
	EMR_SAY_BAD_DATA,
	EMR_SAY_BAD_RECORD,
	EMR_SAY_NO_GRANT, /* these eleven: what others share */
	EMR_SAY_FILES_ONLY,
	EMR_SAY_GRANT_ENDING,
	EMR_SAY_KEYS_ENDING,
	EMR_SAY_GRANT_EXPIRED,
	EMR_SAY_GRANT_REVOKED,
	EMR_SAY_WRONG_PURPOSE,
	EMR_SAY_NO_RELEASE,
	EMR_SAY_NO_RELEASE_OWNER,
	EMR_SAY_OFFLINE,
	EMR_SAY_SHARED_READ_ONLY,
	EMR_SAY_BAD_SIGNATURE,
	EMR_SAY_SIGNED_FALSELY,
	EMR_SAY_SIGNATURE_STALE,
	EMR_SAY_INBOX_LIMIT,
	EMR_SAY_UNREADABLE,
	EMR_SAY_DEPOSITS_FULL,
	EMR_SAY_ROLLBACK,
	EMR_SAY_MISSING_DATA,
	EMR_SAY_PART_DAMAGED, /* these three: what verbs say; notices take the first row of an id */
	EMR_SAY_PART_MISSING,
	EMR_SAY_MARK_DAMAGED,
	EMR_SAY_DISK_FULL,
	EMR_SAY_DISK_FULL_NEW,
	EMR_SAY_DISK_REFUSES,
	EMR_SAY_DISK_UNREADABLE,
	EMR_SAY_WENT_BACK,
	EMR_SAY_QUOTA,
	EMR_SAY_TOO_BIG,
	EMR_SAY_BAD_NAME,
	EMR_SAY_RESERVED_NAME,
	EMR_SAY_NO_HARD_LINKS,
	EMR_SAY_SOFTWARE_REFUSED,
	EMR_SAY_REFUSED,
	EMR_SAY_REMOVAL_REFUSED,
	EMR_SAY_CONFLICT,
	EMR_SAY_NOT_SENT,
	EMR_SAY_LEFT_LOCAL,
	EMR_SAY_LAST_COPY,
	EMR_SAY_KEEP_NEEDS_NETWORK,
	EMR_SAY_NOT_YOURS_TO_DROP,
	EMR_SAY_OWNERS_LOG,
	EMR_SAY_NOT_YOURS,
	EMR_SAY_NO_HISTORY,
	EMR_SAY_COPY_WHERE,
	EMR_SAY_ONE_COPY,
	EMR_SAY_SAME_DISK,
	EMR_SAY_CLOCK,
	EMR_SAY_CERTIFICATE_ENDED,
	EMR_SAY_CERTIFICATE_ENDED_MEMBER,
	EMR_SAY_KEY_REVOKED,
	EMR_SAY_WRONG_PASSPHRASE,
	EMR_SAY_WRONG_WORDS,
	EMR_SAY_WORDS_COUNT,
	EMR_SAY_WORDS_UNKNOWN,
	EMR_SAY_WORDS_CHECKSUM,
	EMR_SAY_WORDS_ONE,
	EMR_SAY_WORDS_STRANGE,
	EMR_SAY_WORDS_READ,
	EMR_SAY_NEEDS_WORDS,
	EMR_SAY_KEYFILE_DAMAGED,
	EMR_SAY_KEYFILE_EXPOSED,
	EMR_SAY_KEYFILE_BUSY,
	EMR_SAY_EXPOSED,
	EMR_SAY_IN_USE,
	EMR_SAY_IN_USE_UNKNOWN,
	EMR_SAY_NOT_OPEN,
	EMR_SAY_NO_KEYRING,
	EMR_SAY_HAS_KEYRING,
	EMR_SAY_MOUNTPOINT_NOT_EMPTY,
	EMR_SAY_MOUNTPOINT_HAS_FILES,
	EMR_SAY_SAVED_WHILE_CLOSED,
	EMR_SAY_MOUNTPOINT_GONE,
	EMR_SAY_MOUNTPOINT_BUSY,
	EMR_SAY_MOUNTPOINT_DEAD,
	EMR_SAY_MOUNTPOINT_INSIDE,
	EMR_SAY_MOUNTPOINT_DENIED,
	EMR_SAY_FOLDER_BUSY,
	EMR_SAY_NO_FUSE,
	EMR_SAY_NEWER_FORMAT,
	EMR_SAY_LEDGER_NOT_BELIEVED,
	EMR_SAY_LEDGER_DAMAGED,
	EMR_SAY_LEDGER_MENDED,
	EMR_SAY_LEDGER_PART_LOST,
	EMR_SAY_LEDGER_UNUSABLE,
	EMR_SAY_LEDGER_AWAY, /* of notices; verbs say the others */
	EMR_SAY_LEDGER_AWAY_SINCE,
	EMR_SAY_LEDGER_AWAY_MEMBER,
	EMR_SAY_LEDGER_AWAY_COPY,
	EMR_SAY_LEDGER_AWAY_NO_COPY,
	EMR_SAY_LEDGER_AWAY_CHECKED,
	EMR_SAY_LEDGER_AWAY_LISTED,
	EMR_SAY_LEDGER_BACK,
	EMR_SAY_JOURNAL_DAMAGED,
	EMR_SAY_NOT_WITNESSED,
	EMR_SAY_UNSENT,
	EMR_SAY_NOT_SAFE,
	EMR_SAY_NOT_SAFE_CLOSED,
	EMR_SAY_NO_SUCH_PATH,
	EMR_SAY_NO_SUCH_FOLDER,
	EMR_SAY_OPEN_ELSEWHERE,
	EMR_SAY_NO_SUCH_VERSION,
	EMR_SAY_RESTORED_PART,
	EMR_SAY_WHICH_VERSION,
	EMR_SAY_NO_SUCH_FILE,
	EMR_SAY_BAD_PROOF,
	EMR_SAY_BAD_CAR,
	EMR_SAY_CAR_STRANGE,
	EMR_SAY_CAR_FOREIGN,
	EMR_SAY_IMPORT_ERASED,
	EMR_SAY_IMPORT_PART,
	EMR_SAY_IMPORT_BAD,
	EMR_SAY_OUT_INSIDE,
	EMR_SAY_EXISTS,
	EMR_SAY_FILE_BUSY,
	EMR_SAY_NEEDS_YES,
	EMR_SAY_WOULD_SHARE,
	EMR_SAY_ERASE_DENIED,
	EMR_SAY_ERASE_UNFINISHED,
	EMR_SAY_MOVE_INSIDE,
	EMR_SAY_LEDGER_NO_ANSWER,
	EMR_SAY_NO_PASSPHRASE,
	EMR_SAY_PASSPHRASE_FILE,
	EMR_SAY_PASSPHRASE_EMPTY,
	EMR_SAY_PASSPHRASE_WEAK,
	EMR_SAY_PASSPHRASE_DIFFERS,
	EMR_SAY_NEEDS_WORDS_FILE,
	EMR_SAY_WORDS_FILE,
	EMR_SAY_WORDS_BACK,
	EMR_SAY_SETTING,
	EMR_SAY_WRONG_USE,
	EMR_SAY_NO_ANSWER,
	EMR_SAY_VERIFY_BAD,
	EMR_SAY_BACKUP_INSIDE,
	EMR_SAY_BACKUP_GONE,
	EMR_SAY_BACKUP_NONE,
	EMR_SAY_BACKUP_OTHER,
	EMR_SAY_BACKUP_BUSY,
	EMR_SAY_BACKUP_LIST,
	EMR_SAY_BACKUP_SPACE,
	EMR_SAY_BACKUP_RESTLESS,
	EMR_SAY_BACKUP_NO_LEDGER,
	EMR_SAY_BACKUP_OWN_COPY,
	EMR_SAY_BACKUP_MENDED,
	EMR_SAY_BACKUP_FORK,
	EMR_SAY_BACKUP_DAMAGE,
	EMR_SAY_BACKUP_MISSING,
	EMR_SAY_BACKUP_KEPT,
	EMR_SAY_BACKUP_BAD,
	EMR_SAY_BACKUP_OLD_KEYFILE,
	EMR_SAY_BACKUP_KEYFILE,
	EMR_SAY_RESTORE_DAMAGE,
	EMR_SAY_UNKNOWN_PERSON,
	EMR_SAY_UNKNOWN_PERSON_NEAR,
	EMR_SAY_WHICH_PERSON,
	EMR_SAY_BAD_CARD,
	EMR_SAY_CARD_ENDED,
	EMR_SAY_OWN_CARD,
	EMR_SAY_NAME_TAKEN,
	EMR_SAY_BAD_PERSON_NAME,
	EMR_SAY_NUMBER_DIFFERS,
	EMR_SAY_NOT_COMPARED,
	EMR_SAY_KEYS_CHANGED,
	EMR_SAY_OTHER_NETWORK,
	EMR_SAY_BOOK_FULL,
	EMR_SAY_BOOK_DAMAGED,
	EMR_SAY_CARD_FILE,
	EMR_SAY_MEMBERS_SEE,
	EMR_SAY_JOIN_NEEDS_YES,
	EMR_SAY_NETWORK_DIR,
	EMR_SAY_OTHER_ACCOUNT,
	EMR_SAY_ONE_ACCOUNT,
	EMR_SAY_JOIN_SEE,
	EMR_SAY_MEMBER_ALREADY,
	EMR_SAY_JOIN_UNDER_WAY,
	EMR_SAY_JOIN_UNREADABLE,
	EMR_SAY_ANNEX_LOST,
	EMR_SAY_BAD_INVITATION,
	EMR_SAY_NOBODY_INVITES,
	EMR_SAY_NOBODY_CAME,
	EMR_SAY_NOT_ADMIN,
	EMR_SAY_HANDLE_TAKEN,
	EMR_SAY_UNKNOWN_STAFF,
	EMR_SAY_WHICH_STAFF,
	EMR_SAY_UNKNOWN_TEAM,
	EMR_SAY_NOT_ADMITTED,
	EMR_SAY_UNKNOWN_ORGANISATION,
	EMR_SAY_UNKNOWN_PROPOSAL,
	EMR_SAY_NO_ACCESS, /* these two: log --proof */
	EMR_SAY_NOT_RELEASED,
	EMR_SAY_NOT_AUDITOR,
	EMR_SAY_LEDGER_REFUSED,
	EMR_SAY_NO_YES,
	EMR_SAY_NEEDS_NETWORK,
	EMR_SAY_DEVICE_NEEDS_YES,
	EMR_SAY_NOT_FIRST_COMPUTER,
	EMR_SAY_SHARES_ELSEWHERE,
	EMR_SAY_DEVICE_TAKEN,
	EMR_SAY_UNKNOWN_DEVICE,
	EMR_SAY_BAD_DEVICE_FILE,
	EMR_SAY_DEVICE_REMOVED,
	EMR_SAY_IS_AGENT,
	EMR_SAY_NO_AGENT,
	EMR_SAY_AGENT_ENDED,
	EMR_SAY_AGENT_STOPPED,
	EMR_SAY_MOVE_WOULD_SHARE,
	EMR_SAY_GRANT_VALUE,
	EMR_SAY_GRANT_UNCONFIRMED,
	EMR_SAY_SOFTWARE_UNCONFIRMED,
	EMR_SAY_ASKED,
	EMR_SAY_SAID_YES,
	EMR_SAY_SAID_NO,
	EMR_SAY_NO_REQUEST,
	EMR_SAY_ANSWERED,
	EMR_SAY_NOT_HERE,
	EMR_SAY_YOUR_OWN_REQUEST,
	EMR_SAY_REQUEST_AWAY,
	EMR_SAY_BAD_REQUEST,
	EMR_SAY_ASK_A_PERSON,
	EMR_SAY_ASK_YOURSELF,
	EMR_SAY_NOT_ON_LEDGER,
	EMR_SAY_SHARE_NEEDS_YES,
	EMR_SAY_NO_THRESHOLD,
	EMR_SAY_ONLY_WHILE_OPEN,
	EMR_SAY_AGENTS_GONE,
	EMR_SAY_SHARED_DELETED,
	EMR_SAY_NOT_ALL_SHARED,
	EMR_SAY_AGENTS_REPLACED,
	EMR_SAY_DEPOSIT_NEEDS_YES,
	EMR_SAY_MAY_WRITE_ALREADY,
	EMR_SAY_WRITE_WITH_PERSON,
	EMR_SAY_DEPOSIT_IN_FOLDER,
	EMR_SAY_REPLACES,
	EMR_SAY_NEEDS_THEIR_YES,
	EMR_SAY_NOT_A_MEMBER,
	EMR_SAY_SHARE_WITH_PERSON,
	EMR_SAY_NOT_SHAREABLE,
	EMR_SAY_NEVER_SHARED,
	EMR_SAY_NOT_SHARED,
	EMR_SAY_STILL_READS,
	EMR_SAY_SHARE_FAILED,
	EMR_SAY_REVOKE_FAILED,
	EMR_SAY_ORDER_UNSENT,
	EMR_SAY_NOT_READY,
	EMR_SAY_INTERRUPTED,
	EMR_SAY_FAILED,
	EMR_MESSAGE_COUNT
} emr_message;

typedef struct emr_message_row {
	const char *id;		/* what scripts see: "in-use" */
	const char *errno_name; /* what programs in the folder see: "EROFS"; "" when nothing in the
				   folder fails by it */
	const char *level;	/* of a notice: "info", "warn", "error" */
	emr_exit exit;		/* of a verb that fails by it */
	const char *sentence;	/* with {names} to fill in */
	const char *hint;	/* "" when there is nothing to do */
} emr_message_row;

const emr_message_row *emr_message_get(emr_message message);
/* The first row with that id; false when there is none. */
bool emr_message_find(const char *id, emr_message *out_message);

#define EMR_PROBLEM_TEXT_BYTES 1024

/* A message with its names filled in; by value.  Zero-initialised it says nothing. */
typedef struct emr_problem {
	bool is_set;
	emr_message message;
	char text[EMR_PROBLEM_TEXT_BYTES];
	char hint[EMR_PROBLEM_TEXT_BYTES];
	char path[EMR_PROBLEM_TEXT_BYTES]; /* the value of {path}, "" if there was none */
} emr_problem;

/* From here on every command in sentences, hints and emr_hint_print names the keyring that --as
 * picked; NULL: none was.  Before the first thread, once. */
void emr_hints_as(const char *name);
/* As fprintf; commands in FORMAT (not in the arguments) get the keyring's name. */
void emr_hint_print(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
void emr_hint_vprint(FILE *to, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/* Pairs of name and value, ended by NULL: emr_problem_set(&p, EMR_SAY_IN_USE, "dir", dir, "pid",
 * pid, NULL).  A name without a value becomes "?"; what does not fit is cut. */
void emr_problem_set(emr_problem *problem, emr_message message, ...) __attribute__((sentinel));
/* The message that says STATUS best, about WHAT ("the ledger", a path): for failures that have no
 * sentence of their own. */
void emr_problem_set_status(emr_problem *problem, emr_status status, const char *what);

/* TEXT with control characters, marks of direction, what has no width, and broken UTF-8 as '?',
 * into OUT of SIZE bytes (cut at a whole character). */
void emr_show(const char *text, char *out, size_t size);
/* JSON (of one line) to TO with the same characters as \u escapes, which mean the same: programs
 * get every name as it is, and a terminal obeys none. */
void emr_show_json(const char *json, FILE *to);
