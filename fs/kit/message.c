/* This file is the table of all messages: id, error number, exit code, sentence and hint. It
 * also shows names of others safely, so that a file's name can neither forge a line nor control
 * the terminal, nor break out of a command that a person copies. */
#include "kit/message.h"

#include "kit/language.h"
#include "kit/verbs.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The end of a setfattr that asks for the code of what it changes, so that the code stands in no
 * notice. */
#define WITH_CODE                                                                                  \
	"\" confirm=$(getfattr --absolute-names --only-values -n user.emrfs.confirm "              \
	"'{folder}')\" '{folder}'"

/* Ids, sentences and error numbers are what people and scripts rely on: change one only with a line
 * in CHANGELOG.md. */
static const emr_message_row rows[EMR_MESSAGE_COUNT] = {
	[EMR_SAY_READ_ONLY] = {"read-only", "EROFS", "warn", EMR_EXIT_DENIED,
		"{path} is open for reading only.", "Open the folder again without --read-only."},
	[EMR_SAY_NO_GRANT] = {"no-grant", "EACCES", "warn", EMR_EXIT_DENIED,
		"You have no permission for {path} of {owner}.",
		"Ask: emrfs request '{owner}:{path}'"},
	[EMR_SAY_FILES_ONLY] = {"files-only", "EACCES", "warn", EMR_EXIT_DENIED,
		"{path} of {owner} was not made: what takes deposits takes new files, alone or in "
		"new folders, and no links.",
		"Copy the files themselves, or one ZIP of them."},
	[EMR_SAY_GRANT_ENDING] = {"grant-ending", "", "info", EMR_EXIT_DENIED,
		"Your access to {path} of {owner} ends at {time}.",
		"Ask again: emrfs request '{owner}:{path}'"},
	[EMR_SAY_KEYS_ENDING] = {"keys-ending", "", "warn", EMR_EXIT_UNREACHABLE,
		"The ledger cannot be reached. What you have opened of {path} of {owner} stays "
		"readable until {time}.",
		"emrfs status"},
	[EMR_SAY_GRANT_EXPIRED] = {"grant-expired", "EKEYEXPIRED", "warn", EMR_EXIT_DENIED,
		"Your access to {path} of {owner} ended on {time}.",
		"Ask again: emrfs request '{owner}:{path}'"},
	[EMR_SAY_GRANT_REVOKED] = {"grant-revoked", "EKEYREVOKED", "warn", EMR_EXIT_DENIED,
		"{owner} ended your access to {path} on {time}.", ""},
	[EMR_SAY_WRONG_PURPOSE] = {"wrong-purpose", "EACCES", "warn", EMR_EXIT_DENIED,
		"{path} is shared for {purposes}; this folder was opened for {purpose}.",
		"Open it again with --purpose, for one of: {purposes}"},
	[EMR_SAY_NO_RELEASE] = {"no-release", "ETIMEDOUT", "warn", EMR_EXIT_UNREACHABLE,
		"{path} could not be opened: {names} did not answer within {s} seconds, {t} of {n} "
		"must. Nothing is lost.",
		"Try again."},
	[EMR_SAY_NO_RELEASE_OWNER] = {"no-release", "ETIMEDOUT", "warn", EMR_EXIT_UNREACHABLE,
		"{path} could not be opened: the computer of {owner} did not answer within {s} "
		"seconds, and nobody else can. "
		"Nothing is lost.",
		"Try again when it is on."},
	[EMR_SAY_OFFLINE] = {"offline", "EHOSTUNREACH", "warn", EMR_EXIT_UNREACHABLE,
		"{path} needs a key of others, and the ledger cannot be reached.",
		"Try again when it is back."},
	[EMR_SAY_SHARED_READ_ONLY] = {"read-only", "EROFS", "warn", EMR_EXIT_DENIED,
		"{path} is shared with you for reading.", "Save a copy in your own folder."},
	[EMR_SAY_BAD_DATA] = {"bad-data", "EIO", "error", EMR_EXIT_BAD_DATA,
		"{path}: the stored data was changed or damaged ({place}). Nothing wrong was "
		"shown.",
		"Earlier versions: emrfs restore --list '{path}'. What else is concerned: emrfs "
		"verify"},
	[EMR_SAY_BAD_RECORD] = {"bad-data", "EIO", "error", EMR_EXIT_BAD_DATA,
		"What the ledger says of a record in your folder was changed or damaged: that "
		"record is not shown.",
		"emrfs verify says which."},
	[EMR_SAY_PART_DAMAGED] = {"bad-data", "EIO", "error", EMR_EXIT_BAD_DATA,
		"{what} was changed or damaged. Nothing was opened, and nothing else was touched.",
		"Put back a copy of {state}; keep the damaged one."},
	[EMR_SAY_PART_MISSING] = {"missing-data", "EIO", "error", EMR_EXIT_BAD_DATA,
		"{what} is not there, or not whole. Nothing was opened, and nothing else was "
		"touched.",
		"Put back a copy of {state}."},
	[EMR_SAY_MARK_DAMAGED] = {"bad-data", "EIO", "error", EMR_EXIT_BAD_DATA,
		"The mark that says how far this computer has verified the ledger is damaged.",
		"If you trust the ledger here: rm {file}"},
	[EMR_SAY_BAD_SIGNATURE] = {"bad-signature", "EIO", "error", EMR_EXIT_BAD_DATA,
		"The signature of {path} does not fit. Do not use it.", "emrfs verify '{path}'"},
	[EMR_SAY_SIGNED_FALSELY] = {"bad-signature", "EIO", "error", EMR_EXIT_BAD_DATA,
		"{path} says it is from {signer}, but the signature does not fit. Do not use it.",
		"Tell {organisation}."},
	[EMR_SAY_SIGNATURE_STALE] = {"signature-stale", "", "info", EMR_EXIT_BAD_DATA,
		"{path}: the signature of {signer} is valid; whether the certificate was in force "
		"at {time} cannot be told here.",
		"If it stays so when the network can be reached, the key has ended since: ask "
		"whose folder it is."},
	[EMR_SAY_COPY_UNSIGNED] = {"copy-unsigned", "", "info", EMR_EXIT_PART,
		"The copy {path} is yours; the signature of {signer} stays with {original}.",
		"Where the signature counts, give the original."},
	[EMR_SAY_INBOX_LIMIT] = {"inbox-limit", "", "warn", EMR_EXIT_DENIED,
		"More was left for {path} than your network allows; what is beyond that is neither "
		"fetched nor shown.",
		"Ask who left it; the limits: emrfs org show rules"},
	[EMR_SAY_UNREADABLE] = {"unreadable", "", "warn", EMR_EXIT_PART,
		"Others left something in your folder that cannot be opened. It is not shown.",
		"emrfs status says how much; to be rid of it: emrfs erase --unreadable"},
	[EMR_SAY_DEPOSITS_FULL] = {"deposits-full", "EDQUOT", "warn", EMR_EXIT_FAILED,
		"{path} was not taken: your network allows no more files a day for {owner}. It "
		"goes on at {time}.",
		"Leave it then; the limits: emrfs org show rules"},
	[EMR_SAY_ROLLBACK] = {"rollback", "EIO", "error", EMR_EXIT_BAD_DATA,
		"The ledger offers an older state than this computer has seen; it is not believed.",
		"emrfs verify --chain"},
	[EMR_SAY_MISSING_DATA] = {"missing-data", "EIO", "error", EMR_EXIT_BAD_DATA,
		"No copy of the data of {path} can be found here.", "emrfs verify '{path}'"},
	[EMR_SAY_NOT_WHOLE] = {"not-whole", "", "error", EMR_EXIT_BAD_DATA,
		"Not whole on this computer: {n}. Your IPFS nodes may have what is missing.",
		"emrfs verify names them and brings home what your IPFS nodes have; then a backup: "
		"move {state} away, and emrfs init --restore {dir}"},
	[EMR_SAY_NOT_WHOLE_ALONE] = {"not-whole", "", "error", EMR_EXIT_BAD_DATA,
		"Not whole on this computer: {n}. Blocks of them are missing here.",
		"emrfs verify names them. A backup may have them: move {state} away, then: emrfs "
		"init --restore {dir}"},
	[EMR_SAY_MISSING_EVERYWHERE] = {"missing-everywhere", "EIO", "error", EMR_EXIT_BAD_DATA,
		"No copy of the data of {path} can be found, neither here nor at {places}.",
		"Another version may be whole: emrfs restore --list '{path}'. Its second copy: "
		"emrfs status"},
	[EMR_SAY_PLACE_AWAY] = {"place-away", "EHOSTUNREACH", "warn", EMR_EXIT_UNREACHABLE,
		"The data of {path} is not on this computer, and {places} cannot be reached.",
		"Nothing is lost. Try again, or: emrfs check --network"},
	[EMR_SAY_PLACE_LATE] = {"place-late", "ETIMEDOUT", "warn", EMR_EXIT_UNREACHABLE,
		"The data of {path} is not on this computer, and {places} did not give it in time.",
		"Nothing is lost. Try again, or: emrfs check --network"},
	[EMR_SAY_DISK_FULL] = {"disk-full", "ENOSPC", "error", EMR_EXIT_FAILED,
		"No space left on this disk; {path} was not saved, its earlier version is whole.",
		"Free some space and save again, or: emrfs keep --purge, emrfs erase --deleted"},
	[EMR_SAY_DISK_FULL_NEW] = {"disk-full-new", "ENOSPC", "error", EMR_EXIT_FAILED,
		"No space left on this disk; {path} was not saved, and there is no earlier version "
		"of it.",
		"Free some space and save again, or: emrfs keep --purge, emrfs erase --deleted"},
	[EMR_SAY_DISK_REFUSES] = {"disk-refuses", "EIO", "error", EMR_EXIT_FAILED,
		"This disk answers with errors: what was saved last is not safe on it.",
		"Copy what you changed to another disk and look at this one; then: emrfs unmount "
		"--now, emrfs mount"},
	[EMR_SAY_DISK_READ_ONLY] = {"read-only-disk", "EROFS", "warn", EMR_EXIT_DENIED,
		"The disk of {place} takes no changes: your records can be read, and nothing is "
		"changed.",
		"Copy them to another disk: emrfs backup DIR. When it takes changes again: emrfs "
		"unmount, emrfs mount"},
	[EMR_SAY_DISK_UNREADABLE] = {"disk-unreadable", "EIO", "error", EMR_EXIT_BAD_DATA,
		"{path} could not be read: this disk answers with an error. Nothing wrong was "
		"shown.",
		"Try again. If it stays so, look at this disk; your second copy has it: emrfs "
		"status"},
	[EMR_SAY_WENT_BACK] = {"went-back", "", "error", EMR_EXIT_BAD_DATA,
		"{path}: what was last saved of it is not whole on this disk any more. It shows "
		"the "
		"version before; what was left is beside it, (saved in part).",
		"Save it again if you still have it, and look at this disk."},
	[EMR_SAY_QUOTA] = {"quota", "EDQUOT", "error", EMR_EXIT_FAILED,
		"Your account may store no more on this disk ({used} of {limit}); {path} was not "
		"saved.",
		"Ask whoever administers this computer for more, or make room: emrfs keep --purge, "
		"emrfs erase --deleted"},
	[EMR_SAY_QUOTA_UNKNOWN] = {"quota", "EDQUOT", "error", EMR_EXIT_FAILED,
		"Your account may store no more on this disk, which does not say how much its "
		"limit "
		"is; {path} was not saved.",
		"Ask whoever administers this computer for more, or make room: emrfs keep --purge, "
		"emrfs erase --deleted"},
	[EMR_SAY_TOO_BIG] = {"too-big", "EFBIG", "warn", EMR_EXIT_FAILED,
		"Files may have up to 4 TiB.", ""},
	[EMR_SAY_BAD_NAME] = {"bad-name", "EINVAL", "warn", EMR_EXIT_USE,
		"This name cannot be kept: {why}.",
		"Names have 1 to 255 bytes and are not . or .."},
	[EMR_SAY_RESERVED_NAME] = {"reserved-name", "EEXIST", "warn", EMR_EXIT_FAILED,
		"{path} is a name emrfs uses itself.", "Choose another."},
	[EMR_SAY_NO_HARD_LINKS] = {"no-hard-links", "EPERM", "warn", EMR_EXIT_FAILED,
		"A record has one place.", "Make a copy or a symbolic link."},
	[EMR_SAY_SOFTWARE_REFUSED] = {"software-refused", "EACCES", "warn", EMR_EXIT_DENIED,
		"{program} wanted to read {path} without you.",
		"Allow it: setfattr -n user.emrfs.software -v '{value}'" WITH_CODE},
	[EMR_SAY_SOFTWARE_UNCONFIRMED] = {"software-unconfirmed", "EPERM", "warn", EMR_EXIT_DENIED,
		"Something that was copied, or a command without its code, wanted to let programs "
		"read {path} without you ('{value}'). They may not.",
		"If you want that: setfattr -n user.emrfs.software -v '{value}'" WITH_CODE},
	[EMR_SAY_REFUSED] = {"refused", "", "error", EMR_EXIT_FAILED,
		"The ledger did not take {path}: {reason}. It is kept here.",
		"emrfs status '{path}'"},
	[EMR_SAY_REMOVAL_REFUSED] = {"removal-refused", "", "error", EMR_EXIT_FAILED,
		"The ledger did not take the removal of {path}: there it lives on.",
		"It is asked again when the folder is opened; emrfs verify"},
	[EMR_SAY_CONFLICT] = {"conflict", "", "warn", EMR_EXIT_PART,
		"{path}: {who} changed this file at the same time. Both are kept; this is what "
		"came second.",
		"Delete the one you do not want, or rename this one to keep both."},
	[EMR_SAY_NOT_SENT] = {"not-sent", "", "warn", EMR_EXIT_PART,
		"What you wrote in another's folder was not sent before your right there ended, or "
		"it was removed. It is kept: {path}.",
		"Ask the owner for access again, or delete it."},
	[EMR_SAY_LEFT_LOCAL] = {"left-local", "", "info", EMR_EXIT_PART,
		"{path} was left by another program and is not part of your records.",
		"Rename it to keep it, or delete it."},
	[EMR_SAY_TRACES] = {"traces", "", "info", EMR_EXIT_PART,
		"Outside of {folder} the desktop keeps what tells of it: {n}.",
		"Remove them: emrfs unmount --purge '{folder}'"},
	[EMR_SAY_TRACES_LEFT] = {"traces-left", "", "error", EMR_EXIT_PART,
		"What the desktop keeps of {folder} could not be removed: {n}.",
		"emrfs unmount --purge --json '{folder}' names them"},
	[EMR_SAY_KEEP_NEEDS_NETWORK] = {"keep-needs-network", "", "info", EMR_EXIT_PART,
		"The data of {path} is kept here, but each opening still asks for permission over "
		"the network.",
		""},
	[EMR_SAY_NOT_YOURS_TO_DROP] = {"not-yours-to-drop", "", "error", EMR_EXIT_DENIED,
		"{path} is {owner}'s: its data lies with that person's and takes no room of yours.",
		"emrfs keep --purge"},
	[EMR_SAY_OWNERS_LOG] = {"owners-log", "", "error", EMR_EXIT_DENIED,
		"{path} is {owner}'s: only its owner can read who opened it, you among them.",
		"emrfs verify '{path}' says who signed it"},
	[EMR_SAY_NOT_YOURS] = {"not-yours", "", "error", EMR_EXIT_DENIED,
		"{path} belongs to {owner}; {verb} is for your own records.",
		"emrfs verify '{path}' says who signed it"},
	[EMR_SAY_NO_HISTORY] = {"no-history", "", "error", EMR_EXIT_DENIED,
		"{path} belongs to {owner}; it is shared with you as it is now, without its "
		"earlier versions.",
		"{owner} can share those, too: emrfs share PATH with WHO --history"},
	[EMR_SAY_COPY_WHERE] = {"copy-where", "", "error", EMR_EXIT_USE,
		"{path} belongs to {owner}; an earlier version of it comes into your own folder, "
		"as a copy of yours.",
		"emrfs restore '{path}@v1' --to NAME"},
	[EMR_SAY_LAST_COPY] = {"last-copy", "", "warn", EMR_EXIT_PART,
		"This is the last copy of {path}; it was not dropped.", ""},
	[EMR_SAY_ONE_COPY] = {"one-copy", "", "warn", EMR_EXIT_PART,
		"Only on this computer. If it is lost, your records are lost, even with the 24 "
		"words.",
		"Second copy: emrfs backup DIR"},
	[EMR_SAY_SAME_DISK] = {"same-disk", "", "warn", EMR_EXIT_PART,
		"{dir} is on the disk that has your records: if it is lost, both are. It does not "
		"count as a second copy.",
		"emrfs backup DIR with a directory on another disk"},
	[EMR_SAY_CLOCK] = {"clock", "", "warn", EMR_EXIT_PART,
		"This computer's clock is {d} {side} the ledger. Changes may be refused.",
		"Set the clock."},
	[EMR_SAY_CERTIFICATE_ENDED] = {"certificate-ended", "", "error", EMR_EXIT_FAILED,
		"Your certificate ended on {time}. Your own records stay open, and what you save "
		"is kept here; the ledger takes nothing new.",
		"A second copy of what is only here: emrfs backup DIR"},
	[EMR_SAY_CERTIFICATE_ENDED_MEMBER] = {"certificate-ended", "", "error", EMR_EXIT_FAILED,
		"Your certificate ended on {time}. Your own records stay open, and what you save "
		"is kept here; the ledger takes nothing new.",
		"Ask {organisation} for an invitation, then: emrfs join INVITE"},
	[EMR_SAY_KEY_REVOKED] = {"key-revoked", "", "error", EMR_EXIT_DENIED,
		"{organisation} ended your key on {time}. Your own records stay open, and what you "
		"save is kept here; the ledger takes "
		"nothing new of yours, and what others shared with you has ended.",
		"Ask {organisation} why. A second copy of what is only here: emrfs backup DIR"},
	[EMR_SAY_WRONG_PASSPHRASE] = {"wrong-passphrase", "", "error", EMR_EXIT_PASSPHRASE,
		"Wrong passphrase.", "Forgotten: emrfs recover"},
	[EMR_SAY_WRONG_WORDS] = {"wrong-words", "", "error", EMR_EXIT_PASSPHRASE,
		"That is not word {n} of your 24 words.", "Look at your sheet of paper again."},
	[EMR_SAY_WORDS_COUNT] = {"wrong-words", "", "error", EMR_EXIT_PASSPHRASE,
		"These are {n} words; there must be 24.", "Look at your sheet of paper again."},
	[EMR_SAY_WORDS_UNKNOWN] = {"wrong-words", "", "error", EMR_EXIT_PASSPHRASE,
		"\"{word}\" is not in the list; near: {words}.",
		"Look at your sheet of paper again."},
	[EMR_SAY_WORDS_CHECKSUM] = {"wrong-words", "", "error", EMR_EXIT_PASSPHRASE,
		"These words do not fit together.",
		"More than one is wrong, or they are in another order."},
	[EMR_SAY_WORDS_ONE] = {"wrong-words", "", "error", EMR_EXIT_PASSPHRASE,
		"Word {n} is wrong: \"{word}\" would fit, with all others as they are.",
		"Look at your sheet of paper again."},
	[EMR_SAY_WORDS_STRANGE] = {"wrong-words", "", "error", EMR_EXIT_PASSPHRASE,
		"These words fit, but no keyring here has them: some are probably wrong, or they "
		"belong to other records.",
		""},
	[EMR_SAY_WORDS_READ] = {"words-file", "", "error", EMR_EXIT_FAILED,
		"The 24 words could not be read from {file}: {cause}.", ""},
	[EMR_SAY_NEEDS_WORDS] = {"needs-words-file", "", "error", EMR_EXIT_NEEDS_YES,
		"There is no terminal to ask for your 24 words.", "--words-file FILE"},
	[EMR_SAY_KEYFILE_DAMAGED] = {"keyfile", "", "error", EMR_EXIT_BAD_DATA,
		"The keyfile is damaged ({field}).",
		"From a backup, with the damaged one out of the way: emrfs init --restore DIR"},
	[EMR_SAY_KEYFILE_EXPOSED] = {"keyfile", "", "error", EMR_EXIT_DENIED,
		"The keyfile can be read by others.", "chmod 600 {file}"},
	[EMR_SAY_KEYFILE_BUSY] = {"in-use", "", "error", EMR_EXIT_IN_USE,
		"Another emrfs is changing the passphrase.", "Try again when it is done."},
	[EMR_SAY_EXPOSED] = {"exposed", "", "error", EMR_EXIT_DENIED,
		"{file} can be read or entered by others, or is not yours.", "chmod go-rwx {file}"},
	[EMR_SAY_IN_USE] = {"in-use", "", "error", EMR_EXIT_IN_USE,
		"This folder is already open at {dir} (process {pid}).", "emrfs unmount"},
	[EMR_SAY_IN_USE_UNKNOWN] = {"in-use", "", "error", EMR_EXIT_IN_USE,
		"Another emrfs is working on this folder (process {pid}).",
		"Try again when it is done."},
	[EMR_SAY_NOT_OPEN] = {"not-open", "", "error", EMR_EXIT_NOT_OPEN,
		"Your folder is not open.", "emrfs mount"},
	[EMR_SAY_NO_KEYRING] = {"no-keyring", "", "error", EMR_EXIT_NOT_OPEN,
		"There is no keyring here yet ({state}).",
		"emrfs init; from a backup: emrfs init --restore DIR"},
	[EMR_SAY_HAS_KEYRING] = {"has-keyring", "", "error", EMR_EXIT_IN_USE,
		"There is a keyring here already ({state}).",
		"emrfs mount opens it; another one: emrfs --as NAME init"},
	[EMR_SAY_MOUNTPOINT_NOT_EMPTY] = {"bad-mountpoint", "", "error", EMR_EXIT_FAILED,
		"{dir} is not empty.", "Choose an empty directory: emrfs mount DIR"},
	[EMR_SAY_MOUNTPOINT_HAS_FILES] = {"bad-mountpoint", "", "error", EMR_EXIT_FAILED,
		"{dir} has files that were saved there, in clear, while it was closed; they could "
		"not be moved to {dest}: {cause}.",
		"Move them away yourself; then: emrfs mount"},
	[EMR_SAY_SAVED_WHILE_CLOSED] = {"saved-while-closed", "", "warn", EMR_EXIT_PART,
		"{n} saved in {dir} while it was closed, and so in clear: what was there lies in "
		"{dest} now.",
		"Copy it into the folder, then delete it there"},
	[EMR_SAY_MOUNTPOINT_GONE] = {"bad-mountpoint", "", "error", EMR_EXIT_FAILED,
		"{dir} does not exist or is no directory.", "mkdir {dir}"},
	[EMR_SAY_MOUNTPOINT_BUSY] = {"bad-mountpoint", "", "error", EMR_EXIT_IN_USE,
		"{dir} is in use: another file system is mounted there.",
		"Choose another directory."},
	[EMR_SAY_MOUNTPOINT_DEAD] = {"bad-mountpoint", "", "error", EMR_EXIT_IN_USE,
		"{dir} was left by a program that ended and could not be cleaned up.",
		"fusermount3 -uz {dir}"},
	[EMR_SAY_MOUNTPOINT_INSIDE] = {"bad-mountpoint", "", "error", EMR_EXIT_USE,
		"{dir} lies inside the directories of emrfs itself ({state}).",
		"Choose a directory elsewhere."},
	[EMR_SAY_MOUNTPOINT_DENIED] = {"bad-mountpoint", "", "error", EMR_EXIT_DENIED,
		"This user may not open a folder at {dir}.", "emrfs check"},
	[EMR_SAY_FOLDER_BUSY] = {"folder-busy", "", "error", EMR_EXIT_IN_USE,
		"{dir} is in use by another program.",
		"Close what is open there (fuser -vm {dir}), or emrfs unmount --now"},
	[EMR_SAY_NO_FUSE] = {"no-fuse", "", "error", EMR_EXIT_FAILED,
		"This computer cannot open folders of programs: {what}.", "emrfs check"},
	[EMR_SAY_NEWER_FORMAT] = {"newer-format", "EIO", "error", EMR_EXIT_FAILED,
		"{what} has a format that this emrfs does not know{numbers}.", "Update emrfs."},
	[EMR_SAY_LEDGER_NOT_BELIEVED] = {"ledger-damaged", "EROFS", "error", EMR_EXIT_BAD_DATA,
		"The ledger does not fit what this computer has verified. Your folder is open for "
		"reading "
		"only.",
		"emrfs verify --chain"},
	[EMR_SAY_LEDGER_DAMAGED] = {"ledger-damaged", "EROFS", "error", EMR_EXIT_BAD_DATA,
		"Ledger entry {index} does not fit: {cause}. Your folder is open for reading only.",
		"Save what is whole: emrfs backup DIR. Then go on from a backup that is whole: "
		"move {state} away, and emrfs init --restore DIR"},
	[EMR_SAY_LEDGER_MENDED] = {"ledger-mended", "", "warn", EMR_EXIT_PART,
		"Ledger entry {index} was damaged on a disk and was put right from a verified "
		"copy. Nothing is lost.",
		"A disk that does this once does it again: emrfs backup DIR"},
	[EMR_SAY_LEDGER_PART_LOST] = {"bad-data", "", "error", EMR_EXIT_BAD_DATA,
		"What ledger entry {index} says of one record is damaged, on the ledger and in "
		"this computer's copy: that version cannot be opened. Everything else is as it "
		"was.",
		"A backup from before has it: emrfs init --restore DIR, on another computer or "
		"after moving {state} away."},
	[EMR_SAY_LEDGER_UNUSABLE] = {"ledger-damaged", "EROFS", "error", EMR_EXIT_BAD_DATA,
		"The ledger cannot be used since {since}: {cause}. Your folder opens for reading "
		"only, "
		"from this computer's own verified copy of it.",
		"Put the right one back at {place}; if it is lost: emrfs backup DIR, move {state} "
		"away, "
		"then emrfs init --restore DIR"},
	[EMR_SAY_LEDGER_AWAY] = {"ledger-away", "", "warn", EMR_EXIT_UNREACHABLE,
		"The ledger cannot be reached. Your records open from this computer's own verified "
		"copy of "
		"it; what you save is kept here and sent when it is back.",
		"emrfs status says where it should be."},
	[EMR_SAY_LEDGER_AWAY_SINCE] = {"ledger-away", "", "warn", EMR_EXIT_UNREACHABLE,
		"The ledger cannot be reached since {since}. Your records open from this "
		"computer's own "
		"verified copy of it; what you save is kept here and sent when it is back.",
		"Put it back at {place}; if it is lost: emrfs backup DIR, move {state} away, then "
		"emrfs "
		"init --restore DIR"},
	[EMR_SAY_GATEWAY_LIES] = {"ledger-damaged", "EROFS", "error", EMR_EXIT_BAD_DATA,
		"What a gateway of your network says does not hold since {since}. Your folder "
		"opens for reading only, from this computer's own verified copy of it.",
		"Let another organisation's peer be asked first (\"gateway\" in {file}), open the "
		"folder again, and tell who runs this one."},
	[EMR_SAY_LEDGER_AWAY_MEMBER] = {"ledger-away", "", "warn", EMR_EXIT_UNREACHABLE,
		"The ledger of your network cannot be reached since {since}. Your records open "
		"from this computer's own verified copy of it; "
		"what you save is kept here and sent when it is back.",
		"It belongs at {place}, where your network keeps it: ask whoever administers your "
		"organisation."},
	[EMR_SAY_LEDGER_AWAY_COPY] = {"ledger-away", "", "error", EMR_EXIT_BAD_DATA,
		"The ledger cannot be reached since {since}, and this computer's own copy of it "
		"{cause}. "
		"Your folder opens for reading only, and may show earlier versions.",
		"Put it back at {place}; if it is lost, move {state} away and: emrfs init "
		"--restore DIR"},
	[EMR_SAY_LEDGER_AWAY_NO_COPY] = {"ledger-away", "", "error", EMR_EXIT_BAD_DATA,
		"Neither the ledger nor this computer's own copy of it can be read. Nothing was "
		"opened, and "
		"nothing else was touched.",
		"Put the ledger back at {place}; if it is lost, move {state} away and: emrfs init "
		"--restore "
		"DIR"},
	[EMR_SAY_LEDGER_AWAY_CHECKED] = {"ledger-away", "", "warn", EMR_EXIT_PART,
		"{m} checks, nothing wrong; but the ledger cannot be read, and only this "
		"computer's own copy "
		"of it was checked.",
		"emrfs status says where it should be."},
	[EMR_SAY_LEDGER_AWAY_LISTED] = {"ledger-away", "", "warn", EMR_EXIT_PART,
		"The ledger cannot be read; these are the entries as this computer has verified "
		"them.",
		"emrfs status says where it should be."},
	[EMR_SAY_LEDGER_BACK] = {"ledger-back", "", "info", EMR_EXIT_PART,
		"The ledger is there again. What was saved meanwhile is sent now.", ""},
	[EMR_SAY_JOURNAL_DAMAGED] = {"journal-damaged", "EROFS", "error", EMR_EXIT_BAD_DATA,
		"The journal of this computer is damaged. Your folder is open for reading only.",
		"Copy your records to another disk, then emrfs verify"},
	[EMR_SAY_NOT_WITNESSED] = {"not-witnessed", "", "info", EMR_EXIT_PART,
		"Nobody else keeps a signed copy of this ledger's head; whoever runs it could "
		"rewrite "
		"it unseen.",
		""},
	[EMR_SAY_UNSENT] = {"unsent", "", "warn", EMR_EXIT_UNSENT,
		"{n} changes are safe on this disk, but not on the ledger yet.",
		"They are sent when the folder is open: emrfs mount, emrfs status --wait"},
	[EMR_SAY_NOT_SAFE] = {"not-safe", "", "error", EMR_EXIT_FAILED,
		"{n} not safe on this disk: {cause}. They are there as long as your folder is "
		"open.",
		"Free some space, or copy them to another disk. To close without them: emrfs "
		"unmount --now"},
	[EMR_SAY_NOT_SAFE_CLOSED] = {"not-safe", "", "error", EMR_EXIT_PART,
		"{n} not safe on this disk: {cause}. What was in memory only is lost.", ""},
	[EMR_SAY_NO_SUCH_PATH] = {"no-such-path", "ENOENT", "error", EMR_EXIT_NO_SUCH,
		"{path} is not in your folder.", ""},
	[EMR_SAY_NO_SUCH_FOLDER] = {"no-such-folder", "ENOENT", "error", EMR_EXIT_NO_SUCH,
		"There is no folder {folder}: {path} stays where it is.",
		"Make it first, in your open folder: mkdir -p '{folder}'"},
	[EMR_SAY_OPEN_ELSEWHERE] = {"open-elsewhere", "", "error", EMR_EXIT_NOT_OPEN,
		"Your folder is open at {folder}, not at {dir}.", "emrfs unmount"},
	[EMR_SAY_NO_SUCH_VERSION] = {"no-such-version", "", "error", EMR_EXIT_NO_SUCH,
		"{path} has no such version.", "emrfs restore --list '{path}'"},
	[EMR_SAY_WHICH_VERSION] = {"which-version", "", "error", EMR_EXIT_USE,
		"{path} is in your folder. Say which version is wanted.",
		"emrfs restore --list '{path}', then add @v1 or @TIME to the path"},
	[EMR_SAY_NO_SUCH_FILE] = {"no-such-file", "", "error", EMR_EXIT_NO_SUCH,
		"{path} cannot be read: {cause}.", ""},
	[EMR_SAY_BAD_PROOF] = {"bad-proof", "", "error", EMR_EXIT_BAD_DATA,
		"{path} proves nothing ({field}): {cause}.", ""},
	[EMR_SAY_BAD_CAR] = {"bad-data", "", "error", EMR_EXIT_BAD_DATA,
		"{file} is damaged, or no CAR file. Nothing was read.", ""},
	[EMR_SAY_CAR_STRANGE] = {"not-yours", "", "error", EMR_EXIT_DENIED,
		"{file} is a CAR file without records of emrfs.", ""},
	[EMR_SAY_CAR_OLD] = {"older-format", "", "error", EMR_EXIT_FAILED,
		"{file} was written by an early emrfs, in a form that is not read any more.",
		"Where its records are: emrfs export PATH OUT"},
	[EMR_SAY_CAR_BARE] = {"not-yours", "", "error", EMR_EXIT_DENIED,
		"{file} has contents without their names and keys, and your ledger does not know "
		"them.",
		"Take all of it, by the root that emrfs export names: ipfs dag export ROOT"},
	[EMR_SAY_CAR_FOREIGN] = {"not-yours", "", "error", EMR_EXIT_DENIED,
		"{file} has no record that your keys open.", ""},
	[EMR_SAY_IMPORT_ERASED] = {"needs-yes", "", "error", EMR_EXIT_NEEDS_YES,
		"{n} erased here and would come back with {file}: {path} first. Nothing was read.",
		"To bring that back on purpose: repeat on a terminal, or with --yes"},
	[EMR_SAY_IMPORT_PART] = {"import-part", "", "warn", EMR_EXIT_PART,
		"{n} of {m} records were not read; the others are in your folder.", ""},
	[EMR_SAY_IMPORT_BAD] = {"bad-data", "", "error", EMR_EXIT_BAD_DATA,
		"None of the {m} records was read.", ""},
	[EMR_SAY_OUT_INSIDE] = {"bad-place", "", "error", EMR_EXIT_USE,
		"{file} lies in your open folder, or in the directories of emrfs itself.",
		"Choose a place outside."},
	[EMR_SAY_RESTORED_PART] = {"restored-part", "", "error", EMR_EXIT_PART,
		"{n} of {m} files did not come back, {path} first: {cause}.",
		"emrfs restore '{path}'"},
	[EMR_SAY_EXISTS] = {"exists", "EEXIST", "error", EMR_EXIT_FAILED,
		"{path} is there already.", "Choose another name."},
	[EMR_SAY_FILE_BUSY] = {"file-busy", "", "error", EMR_EXIT_IN_USE,
		"{path} is being written by another program.",
		"Save and close it there, then try again."},
	[EMR_SAY_NEEDS_YES] = {"needs-yes", "", "error", EMR_EXIT_NEEDS_YES,
		"This destroys {n} for good. Nothing was done.",
		"Repeat on a terminal, or with --yes"},
	[EMR_SAY_WOULD_SHARE] = {"needs-yes", "", "error", EMR_EXIT_NEEDS_YES,
		"This lets {names} see {path}. Nothing was done.",
		"Repeat on a terminal, or with --yes"},
	[EMR_SAY_ERASE_DENIED] = {"denied", "EPERM", "error", EMR_EXIT_DENIED,
		"{path} stays: the folder itself and its Inbox cannot be erased.",
		"emrfs erase PATH, or what lies in it"},
	[EMR_SAY_ERASE_UNFINISHED] = {"unfinished", "", "warn", EMR_EXIT_PART,
		"Not everything is erased yet: {cause}.",
		"emrfs erase --deleted says whether it is"},
	[EMR_SAY_MOVE_INSIDE] = {"move-inside", "EXDEV", "error", EMR_EXIT_USE,
		"{path} cannot be moved into itself.", ""},
	[EMR_SAY_LEDGER_NO_ANSWER] = {"ledger-away", "", "error", EMR_EXIT_UNREACHABLE,
		"The ledger does not answer. Nothing was done.", "Try again; emrfs check"},
	[EMR_SAY_NO_PASSPHRASE] = {"no-passphrase", "", "error", EMR_EXIT_NEEDS_YES,
		"There is no terminal to ask for the passphrase.",
		"--passphrase-file FILE, or a program in EMRFS_ASKPASS"},
	[EMR_SAY_PASSPHRASE_FILE] = {"passphrase-file", "", "error", EMR_EXIT_FAILED,
		"The passphrase could not be read from {file}: {cause}.", ""},
	[EMR_SAY_PASSPHRASE_EMPTY] = {"passphrase-length", "", "error", EMR_EXIT_USE,
		"A passphrase has 1 to 1024 bytes.", ""},
	[EMR_SAY_PASSPHRASE_WEAK] = {"weak-passphrase", "", "error", EMR_EXIT_USE,
		"Whoever has this disk would find this passphrase with about {n} guesses.",
		"Take five words that do not belong together, or 12 letters by chance."},
	[EMR_SAY_PASSPHRASE_DIFFERS] = {"passphrase-differs", "", "error", EMR_EXIT_PASSPHRASE,
		"The two passphrases differ. Nothing was changed.", "Try again."},
	[EMR_SAY_NEEDS_WORDS_FILE] = {"needs-words-file", "", "error", EMR_EXIT_NEEDS_YES,
		"There is no terminal to show your 24 words on.", "--words-file FILE"},
	[EMR_SAY_WORDS_FILE] = {"words-file", "", "error", EMR_EXIT_FAILED,
		"The 24 words could not be written to {file}: {cause}. Nothing was made.", ""},
	[EMR_SAY_WORDS_BACK] = {"words-not-checked", "", "warn", EMR_EXIT_PART,
		"Your 24 words were not checked. Without them a lost passphrase cannot be "
		"replaced.",
		"Write them on paper and keep them safe; then: emrfs recover --test"},
	[EMR_SAY_SETTING] = {"settings", "", "error", EMR_EXIT_USE, "{file}, line {line}: {cause}.",
		""},
	[EMR_SAY_WRONG_USE] = {"wrong-use", "", "error", EMR_EXIT_USE, "{what}",
		"emrfs help {verb}"},
	[EMR_SAY_NO_ANSWER] = {"no-answer", "", "error", EMR_EXIT_UNREACHABLE,
		"The process that keeps the folder open does not answer.", "emrfs unmount --now"},
	[EMR_SAY_VERIFY_BAD] = {"bad-data", "", "error", EMR_EXIT_BAD_DATA,
		"{n} of {m} checks failed.", ""},
	[EMR_SAY_VERIFY_MISSING] = {"bad-data", "", "error", EMR_EXIT_BAD_DATA,
		"{n} of {m} checks failed. Blocks are missing on this computer.",
		"Where else they may be: emrfs status"},
	[EMR_SAY_BACKUP_INSIDE] = {"bad-backup", "", "error", EMR_EXIT_USE,
		"{dir} lies inside the directories of emrfs itself, or in your open folder.",
		"Choose a directory on another disk."},
	[EMR_SAY_BACKUP_GONE] = {"bad-backup", "", "error", EMR_EXIT_FAILED,
		"{dir} cannot be made or is no directory. Is the disk there?", ""},
	[EMR_SAY_BACKUP_NONE] = {"bad-backup", "", "error", EMR_EXIT_FAILED,
		"There is no whole backup in {dir}.", ""},
	[EMR_SAY_BACKUP_OTHER] = {"bad-backup", "", "error", EMR_EXIT_FAILED,
		"{dir} holds the backup of other records.", "Choose another directory."},
	[EMR_SAY_BACKUP_BUSY] = {"in-use", "", "error", EMR_EXIT_IN_USE,
		"Another emrfs is making a backup in {dir}.", "Try again when it is done."},
	[EMR_SAY_BACKUP_LIST] = {"bad-data", "", "error", EMR_EXIT_BAD_DATA,
		"The list of the backup in {dir} is damaged.",
		"Make a new backup in another directory, better on another disk: emrfs backup DIR"},
	[EMR_SAY_BACKUP_SPACE] = {"disk-full", "", "error", EMR_EXIT_FAILED,
		"The disk of {dir} has {m} free, and {n} are needed.",
		"Free some space there, or use another disk."},
	[EMR_SAY_BACKUP_RESTLESS] = {"busy", "", "error", EMR_EXIT_FAILED,
		"The ledger never held still for a moment.", "Try again when less is being saved."},
	[EMR_SAY_BACKUP_NO_LEDGER] = {"ledger-away", "", "error", EMR_EXIT_BAD_DATA,
		"A backup needs the ledger or this computer's own copy of it, and neither is "
		"whole. "
		"Nothing was copied; what an earlier backup left in {dir} is as it was.",
		"Put the ledger back at {place}; emrfs status says more."},
	[EMR_SAY_BACKUP_OWN_COPY] = {"ledger-away", "", "warn", EMR_EXIT_PART,
		"The ledger cannot be read or is not believed; this computer's own verified copy "
		"of it "
		"went into the backup instead.",
		"To go on with that, move {state} away and: emrfs init --restore {dir}"},
	[EMR_SAY_BACKUP_MENDED] = {"ledger-mended", "", "warn", EMR_EXIT_PART,
		"The ledger on this computer is damaged. What went into the backup was taken from "
		"its own verified copy where that is so, and was checked from the first entry.",
		"emrfs mount puts it right here, too."},
	[EMR_SAY_BACKUP_FORK] = {"bad-backup", "", "error", EMR_EXIT_FAILED,
		"{dir} holds a backup of these records that this computer does not go on from: it "
		"was made on {time}, and what this computer knows ends on {since}. Nothing was "
		"copied, and that backup is as it was.",
		"Use another directory: emrfs backup DIR. When two computers were restored from "
		"one backup, only one of them may go on: see emrfs device."},
	[EMR_SAY_BACKUP_DAMAGE] = {"bad-data", "", "error", EMR_EXIT_PART,
		"{n} damaged places on this computer were copied as they are; everything else is "
		"safe.",
		"emrfs verify"},
	[EMR_SAY_BACKUP_MISSING] = {"missing-data", "", "error", EMR_EXIT_PART,
		"{n} cannot be brought back from the backup in {dir}: blocks are missing or "
		"damaged on this computer. Everything else is in it.",
		"Another backup may have them: emrfs init --restore, on another computer. Then "
		"save "
		"these files again"},
	[EMR_SAY_BACKUP_KEPT] = {"missing-data", "", "error", EMR_EXIT_PART,
		"Blocks of your records are lost on this computer. The backup in {dir} has them, "
		"and keeps "
		"them.",
		"Move {state} away, then: emrfs init --restore {dir}"},
	[EMR_SAY_BACKUP_BAD] = {"bad-data", "", "error", EMR_EXIT_BAD_DATA,
		"The backup in {dir} has {n} faults.",
		"Delete {dir}/emrfs-data and make it again, better on another disk: emrfs backup "
		"DIR"},
	[EMR_SAY_BACKUP_OLD_KEYFILE] = {"old-keyfile", "", "info", EMR_EXIT_PART,
		"The backup in {dir} still opens with the old passphrase.", "emrfs backup {dir}"},
	[EMR_SAY_BACKUP_KEYFILE] = {"keyfile", "", "error", EMR_EXIT_BAD_DATA,
		"The keyfile in the backup {dir} is damaged.",
		"Your 24 words make a new one: emrfs init --restore {dir} --words-file FILE"},
	[EMR_SAY_RESTORE_DAMAGE] = {"bad-data", "", "error", EMR_EXIT_PART,
		"{n} files of the backup in {dir} are damaged; everything else was restored.",
		"emrfs verify says what is concerned."},
	[EMR_SAY_UNKNOWN_PERSON] = {"unknown-person", "", "error", EMR_EXIT_NO_SUCH,
		"Nobody here is called {who}.", "emrfs people; with a card: emrfs people add CARD"},
	[EMR_SAY_UNKNOWN_PERSON_NEAR] = {"unknown-person", "", "error", EMR_EXIT_NO_SUCH,
		"Nobody here is called {who}. Near: {names}.", "emrfs people"},
	[EMR_SAY_WHICH_PERSON] = {"which-person", "", "error", EMR_EXIT_NO_SUCH,
		"{who} may be any of these: {names}. Nothing was done.", "Say one of these names."},
	[EMR_SAY_BAD_CARD] = {"bad-card", "", "error", EMR_EXIT_BAD_DATA,
		"This card cannot be believed: {cause}. Nothing was added.", "Ask for it again."},
	[EMR_SAY_CARD_ENDED] = {"card-ended", "", "error", EMR_EXIT_BAD_DATA,
		"The card of {who} ended on {time}. Nothing was added.", "Ask for a new one."},
	[EMR_SAY_OWN_CARD] = {"own-card", "", "error", EMR_EXIT_USE,
		"This is your own card. Others add it.", ""},
	[EMR_SAY_NAME_TAKEN] = {"name-taken", "", "error", EMR_EXIT_FAILED,
		"{who} is what you call somebody else ({names}). Nothing was added.",
		"Another name for the new one: emrfs people add CARD --name N"},
	[EMR_SAY_BAD_PERSON_NAME] = {"bad-name", "", "error", EMR_EXIT_USE,
		"Nobody can be called \"{who}\" here.",
		"1 to 53 bytes, no / and no @, not beginning with a dot or a dash, and not card, "
		"add or check"},
	[EMR_SAY_NUMBER_DIFFERS] = {"number-differs", "", "error", EMR_EXIT_BAD_DATA,
		"The numbers differ: this card is not theirs, or yours there is not yours. Share "
		"nothing with {who}.",
		"Exchange the cards again, face to face, then: emrfs people add CARD"},
	[EMR_SAY_NOT_COMPARED] = {"not-compared", "", "warn", EMR_EXIT_PART,
		"Whether this card is really that of {who}, nobody has checked.",
		"By telephone or face to face: emrfs people check '{who}'"},
	[EMR_SAY_KEYS_CHANGED] = {"keys-changed", "", "warn", EMR_EXIT_PART,
		"{who} has new keys for letters; the number changed.",
		"Compare it again: emrfs people check '{who}'"},
	[EMR_SAY_OTHER_NETWORK] = {"other-network", "", "warn", EMR_EXIT_PART,
		"{who} is on another network than you: nothing can be shared between you yet.", ""},
	[EMR_SAY_BOOK_FULL] = {"too-many-people", "", "error", EMR_EXIT_FAILED,
		"There is room for 1,000 people, and it is used up.", ""},
	[EMR_SAY_BOOK_DAMAGED] = {"bad-data", "", "error", EMR_EXIT_BAD_DATA,
		"The list of the people you know is damaged. Your records are not concerned.",
		"Without it, everybody is added again: rm {file}"},
	[EMR_SAY_CARD_FILE] = {"card-file", "", "error", EMR_EXIT_FAILED,
		"The card could not be written to {file}: {cause}.", ""},
	[EMR_SAY_MEMBERS_SEE] = {"members-see", "", "info", EMR_EXIT_PART,
		"The members of {what} see that you save something, and when, under random "
		"numbers; no name, no content, no size.",
		""},
	[EMR_SAY_JOIN_NEEDS_YES] = {"needs-yes", "", "error", EMR_EXIT_NEEDS_YES,
		"You did not say yes to joining {what}. Nothing was made or sent.",
		"Repeat on a terminal, or with --yes"},
	[EMR_SAY_NETWORK_DIR] = {"network-dir", "", "error", EMR_EXIT_DENIED,
		"{dir} cannot be the directory of this network: {cause}.", ""},
	[EMR_SAY_NETWORK_AWAY] = {"network-away", "EROFS", "warn", EMR_EXIT_DENIED,
		"The directory of your network, {dir}, is away: your folder is open for reading, "
		"as "
		"far as your IPFS nodes have it.",
		"When it is back: emrfs unmount, emrfs mount. Nothing is lost"},
	[EMR_SAY_NETWORK_AWAY_ALONE] = {"network-away", "EROFS", "warn", EMR_EXIT_DENIED,
		"The directory of your network, {dir}, is away, and your records with it: only "
		"their names are here.",
		"When it is back: emrfs unmount, emrfs mount. Nothing is lost"},
	[EMR_SAY_OTHER_ACCOUNT] = {"other-account", "", "error", EMR_EXIT_DENIED,
		"The network in {dir} belongs to the account {owner} of this computer, and only "
		"that account can use it.",
		"Join as {owner}, with a keyring of your own: emrfs --as NAME init --join INVITE"},
	[EMR_SAY_ONE_ACCOUNT] = {"one-account", "", "info", EMR_EXIT_PART,
		"A network is a directory of one account: everybody who joins {dir} does so as "
		"{owner} on this computer, with a keyring of his own.",
		"emrfs --as NAME init --join INVITE"},
	[EMR_SAY_JOIN_SEE] = {"members-see", "", "info", EMR_EXIT_PART,
		"The members of {what} will see that {n} entries came from you, all at once, in "
		"{m} different padded sizes ({value}), when you save something "
		"from then on, and a certificate with the code {who}; no name, no content, and "
		"nothing of what was before.",
		"Nothing is shared by joining. From then on you can be asked for shares, and give "
		"them."},
	[EMR_SAY_MEMBER_ALREADY] = {"member-already", "", "error", EMR_EXIT_DENIED,
		"Your records are on the network in {dir} already, and an invitation of another "
		"one cannot take them from there.",
		""},
	[EMR_SAY_JOIN_UNDER_WAY] = {"join-under-way", "", "error", EMR_EXIT_DENIED,
		"Your records are on their way to {what}.", "First end that: emrfs join"},
	[EMR_SAY_JOIN_UNREADABLE] = {"bad-data", "", "error", EMR_EXIT_BAD_DATA,
		"{n} of your records cannot be read, so nothing was taken along. Nothing was "
		"changed.",
		"emrfs verify says which."},
	[EMR_SAY_ANNEX_LOST] = {"ledger-damaged", "EROFS", "error", EMR_EXIT_BAD_DATA,
		"The ledger of before you joined cannot be read: earlier versions and deleted "
		"files of then are missing. Your folder is open for reading only.",
		"Bring state/annex back from a backup: emrfs init --restore"},
	[EMR_SAY_BAD_INVITATION] = {"bad-invitation", "", "error", EMR_EXIT_BAD_DATA,
		"This invitation cannot be used: {cause}. Nothing was made.", ""},
	[EMR_SAY_NOBODY_INVITES] = {"no-answer", "", "error", EMR_EXIT_UNREACHABLE,
		"{what} does not answer this invitation. Nothing was made.",
		"Is emrfs org invite still waiting there? Ask for a new one."},
	[EMR_SAY_NOBODY_CAME] = {"not-used", "", "error", EMR_EXIT_UNREACHABLE,
		"Nobody used the invitation for {what}. It is over.",
		"emrfs org invite makes another one."},
	[EMR_SAY_WITHDRAWN] = {"withdrawn", "", "error", EMR_EXIT_INTERRUPTED,
		"The invitation for {what} is withdrawn: nobody can use it any more.",
		"emrfs org invite makes another one."},
	[EMR_SAY_NOT_ADMIN] = {"not-admin", "", "error", EMR_EXIT_DENIED,
		"This keyring runs no organisation with a network of several members.",
		"emrfs org create NAME --network DIR"},
	[EMR_SAY_HANDLE_TAKEN] = {"handle-taken", "", "error", EMR_EXIT_DENIED,
		"Somebody else is called {what} in this organisation. Nobody got a certificate.",
		"Invite with another handle, or: emrfs org revoke {what}"},
	[EMR_SAY_UNKNOWN_STAFF] = {"unknown-person", "", "error", EMR_EXIT_NO_SUCH,
		"Nobody of {what} is called {who}.", "emrfs org show"},
	[EMR_SAY_WHICH_STAFF] = {"which-person", "", "error", EMR_EXIT_NO_SUCH,
		"Several of {what} are called {who}. Nothing was done.",
		"Say the code of four letters: emrfs org show"},
	[EMR_SAY_UNKNOWN_TEAM] = {"unknown-team", "", "error", EMR_EXIT_NO_SUCH,
		"There is no team called {what}.", "emrfs org team {what} add HANDLE makes it"},
	[EMR_SAY_UNKNOWN_DATASET] = {"unknown-dataset", "", "error", EMR_EXIT_NO_SUCH,
		"There is no open dataset called {what}.", "emrfs dataset"},
	[EMR_SAY_WHICH_DATASET] = {"which-dataset", "", "error", EMR_EXIT_NO_SUCH,
		"{what} may be any of these: {names}. Nothing was done.",
		"Say one of these names."},
	[EMR_SAY_DATASET_IS_THERE] = {"dataset-exists", "", "error", EMR_EXIT_DENIED,
		"Your organisation has a dataset called {what}; its terms do not change.",
		"Choose another name, or end that one: emrfs dataset close {what}"},
	[EMR_SAY_NOT_STEWARD] = {"not-steward", "", "error", EMR_EXIT_NO_SUCH,
		"This keyring has called for no dataset that is named {what}.", "emrfs dataset"},
	[EMR_SAY_BAD_TERMS] = {"bad-terms", "", "error", EMR_EXIT_BAD_DATA,
		"The terms in {file} cannot be used: {cause}. Nothing was made.",
		"emrfs help dataset"},
	[EMR_SAY_JOINED_ONLY] = {"joined-only", "", "error", EMR_EXIT_DENIED,
		"{who} is a dataset: records are in it on its terms, and no others. Nothing was "
		"shared.",
		"emrfs dataset join {name} PATH"},
	[EMR_SAY_CANNOT_JOIN] = {"cannot-join", "", "error", EMR_EXIT_DENIED,
		"{what} takes copies without names and no records as they are, and {path} is not "
		"the folder of yours. Nothing was shared.",
		"emrfs dataset join {what} PATH"},
	[EMR_SAY_NOT_COPIES] = {"not-copies", "", "error", EMR_EXIT_DENIED,
		"{path} lies among the copies for {what} and is none: its readers would see it. "
		"Nothing was shared.",
		"Move it elsewhere."},
	[EMR_SAY_NOTHING_CLEAN] = {"nothing-clean", "", "error", EMR_EXIT_NO_SUCH,
		"Nothing in {path} can go into {what}. Nothing was shared.",
		"DICOM files can, if nothing in them may show a name."},
	[EMR_SAY_NO_POINTS_PUT_BY] = {"no-points-put-by", "", "error", EMR_EXIT_DENIED,
		"{what} pays for each folder, and no points are put by for another one. Nothing "
		"was shared.",
		"Ask its steward"},
	[EMR_SAY_NOT_JOINED] = {"not-joined", "", "error", EMR_EXIT_NO_SUCH,
		"Nothing of your folder is in {what}.", "emrfs dataset"},
	[EMR_SAY_DAILY_LIMIT] = {"daily-limit", "EDQUOT", "warn", EMR_EXIT_DENIED,
		"{dataset} allows {n} first openings a day; more from {time}.", ""},
	[EMR_SAY_NOT_A_COPY] = {"not-a-copy", "EACCES", "warn", EMR_EXIT_DENIED,
		"{path} is no copy as the terms of {dataset} ask for, and is withheld.", ""},
	[EMR_SAY_DATASET_EMPTY] = {"dataset-empty", "", "error", EMR_EXIT_NO_SUCH,
		"Nothing is in {what} that could be frozen.", ""},
	[EMR_SAY_UNKNOWN_STATE] = {"unknown-state", "", "error", EMR_EXIT_NO_SUCH,
		"{what} has no frozen state that is called {id}.", ""},
	[EMR_SAY_INCOMPLETE] = {"incomplete", "", "info", EMR_EXIT_PART,
		"{what} is incomplete: {m} withdrawn, {n} changed or removed since "
		"it was frozen.",
		""},
	[EMR_SAY_NOT_READER] = {"not-reader", "", "error", EMR_EXIT_DENIED,
		"You are not among the readers of {what}.",
		"Ask {organisation}, whose administrator admits them: emrfs dataset {what}"},
	[EMR_SAY_LEFT_DATASET] = {"withdrawn", "EKEYREVOKED", "warn", EMR_EXIT_DENIED,
		"{folder} left {dataset} on {time}.", ""},
	[EMR_SAY_NOT_ADMITTED] = {"not-admitted", "", "error", EMR_EXIT_UNREACHABLE,
		"Not enough members have admitted {what} in time. Nothing was made.",
		"Ask their administrators, then the same again; --within TIME waits longer"},
	[EMR_SAY_UNKNOWN_ORGANISATION] = {"unknown-organisation", "", "error", EMR_EXIT_NO_SUCH,
		"No organisation called {what} waits for this. Waiting: {names}.",
		"emrfs org show"},
	[EMR_SAY_UNKNOWN_PROPOSAL] = {"unknown-proposal", "", "error", EMR_EXIT_NO_SUCH,
		"No rules are proposed as {what}.", "emrfs org rules"},
	[EMR_SAY_NO_ACCESS] = {"no-access", "", "error", EMR_EXIT_NO_SUCH,
		"Nobody asked for a key of yours with entry {n} of the ledger.", "emrfs log"},
	[EMR_SAY_NOT_RELEASED] = {"not-released", "", "error", EMR_EXIT_NO_SUCH,
		"Entry {n} asks for a key, and not enough answered: there is nothing to prove.",
		"emrfs log"},
	[EMR_SAY_NOT_AUDITOR] = {"not-auditor", "", "error", EMR_EXIT_DENIED,
		"Only an auditor sees what the staff of his organisation asked for.", ""},
	[EMR_SAY_LEDGER_REFUSED] = {"ledger-refused", "", "error", EMR_EXIT_DENIED,
		"The ledger did not take it: {cause}.", "emrfs org show"},
	[EMR_SAY_TOO_FEW_POINTS] = {"too-few-points", "", "error", EMR_EXIT_DENIED,
		"You have only {n} points. Nothing was sent.", "emrfs wallet"},
	[EMR_SAY_NO_YES] = {"needs-yes", "", "error", EMR_EXIT_NEEDS_YES,
		"You did not say yes. {what}", "Repeat on a terminal, or with --yes"},
	[EMR_SAY_NOT_ON_FABRIC] = {"not-on-fabric", "", "error", EMR_EXIT_DENIED,
		"{what} is not there yet for a network on Fabric. Nothing was made.", ""},
	[EMR_SAY_NEEDS_NETWORK] = {"needs-network", "", "error", EMR_EXIT_DENIED,
		"Your ledger is on this computer alone, where {who} cannot reach it. Nothing was "
		"made.",
		"Put it where both can, with the folder closed: emrfs device add {who} --network "
		"DIR -o FILE"},
	[EMR_SAY_DEVICE_NEEDS_YES] = {"needs-yes", "", "error", EMR_EXIT_NEEDS_YES,
		"{who} would read and change everything in your folder. Nothing was made.",
		"Repeat on a terminal, or with --yes"},
	[EMR_SAY_NOT_FIRST_COMPUTER] = {"not-first-computer", "", "error", EMR_EXIT_DENIED,
		"Only your first computer adds other computers and removes them, shares and takes "
		"back.",
		""},
	[EMR_SAY_SHARES_ELSEWHERE] = {"shares-elsewhere", "", "warn", EMR_EXIT_DENIED,
		"What others share with you, and where you may write, is on your first computer "
		"only; this one shows your own records.",
		""},
	[EMR_SAY_DEVICE_TAKEN] = {"device-exists", "", "error", EMR_EXIT_FAILED,
		"One of your computers is called {who} already.",
		"Another name, or first: emrfs device remove {who}"},
	[EMR_SAY_UNKNOWN_DEVICE] = {"unknown-device", "", "error", EMR_EXIT_NO_SUCH,
		"None of your computers is called {who}.", "emrfs device"},
	[EMR_SAY_BAD_DEVICE_FILE] = {"bad-device-file", "", "error", EMR_EXIT_BAD_DATA,
		"{file} is not what emrfs device add writes, or was changed. Nothing was made.",
		"Make another one: emrfs device add NAME -o FILE"},
	[EMR_SAY_DEVICE_REMOVED] = {"device-removed", "", "error", EMR_EXIT_DENIED,
		"This computer was removed from yours. It opens nothing any more.",
		"On your first computer: emrfs device add NAME -o FILE"},
	[EMR_SAY_IS_AGENT] = {"is-agent", "", "error", EMR_EXIT_DENIED,
		"This keyring is an agent's: it releases keys and keeps no records.",
		"emrfs agent; emrfs agent --status"},
	[EMR_SAY_NO_AGENT] = {"no-agent", "", "error", EMR_EXIT_DENIED,
		"This keyring is no agent's.",
		"emrfs org invite HANDLE --role agent -o FILE, then emrfs --as NAME init --join "
		"FILE"},
	[EMR_SAY_AGENT_ENDED] = {"agent-ended", "", "error", EMR_EXIT_DENIED,
		"The ledger does not know this key as an agent's in force: it was revoked, or its "
		"certificate ended.",
		"Ask your organisation for a new invitation"},
	[EMR_SAY_AGENT_STOPPED] = {"agent-stopped", "", "error", EMR_EXIT_NOT_OPEN,
		"The agent does not run.", "emrfs agent"},
	[EMR_SAY_MOVE_WOULD_SHARE] = {"would-share", "EPERM", "warn", EMR_EXIT_DENIED,
		"Moving {name} to {folder} would show it to {names}.",
		"To do that: emrfs move '{src}' '{dest}'"},
	[EMR_SAY_GRANT_UNCONFIRMED] = {"grant-unconfirmed", "EPERM", "warn", EMR_EXIT_DENIED,
		"Something that was copied, or a command without its code, wanted to share {path} "
		"with {names} ({value}). It is not shared.",
		"If you want that: setfattr -n 'user.emrfs.grant.{who}' -v '{value}'" WITH_CODE},
	[EMR_SAY_GRANT_VALUE] = {"grant-value", "EINVAL", "warn", EMR_EXIT_USE,
		"{path} was not shared with {who}: {cause}.",
		"A value is: read (or write, deposit) until=2026-12-31 purpose=treatment "
		"history=yes confirm=CODE; what shows no more than before needs only the first."},
	[EMR_SAY_SHARE_NEEDS_YES] = {"needs-yes", "", "error", EMR_EXIT_NEEDS_YES,
		"This lets {names} see {n}. Nothing was shared.",
		"Repeat on a terminal, or with --yes"},
	[EMR_SAY_NO_THRESHOLD] = {"no-threshold", "", "info", EMR_EXIT_PART,
		"{name} alone can release this share's keys; nobody else has to agree.", ""},
	[EMR_SAY_ONLY_WHILE_OPEN] = {"only-while-open", "", "info", EMR_EXIT_PART,
		"No organisation here releases keys of this share: {who} can open something for "
		"the first time only while your "
		"folder is open.",
		""},
	[EMR_SAY_SHARED_DELETED] = {"shared-deleted", "", "info", EMR_EXIT_PART,
		"{path} was deleted, and is still shared with {who}, should it come back.",
		"To end that: emrfs revoke '{path}' from '{called}'"},
	[EMR_SAY_NOT_ALL_SHARED] = {"not-all-shared", "", "warn", EMR_EXIT_PART,
		"{n} files in {path} cannot be opened, and are not in what {who} sees.",
		"emrfs status says how much of it others left; to be rid of that: "
		"emrfs erase --unreadable"},
	[EMR_SAY_AGENTS_GONE] = {"agents-gone", "", "warn", EMR_EXIT_PART,
		"Keys of {names} are in force no more, and too few others release {path}: {who} "
		"can open something there for the first "
		"time only while your folder is open.",
		"Those who are left release it when you share it again: emrfs share '{path}' with "
		"'{called}'"},
	[EMR_SAY_AGENTS_REPLACED] = {"agents-replaced", "", "info", EMR_EXIT_PART,
		"Keys of {names} are in force no more. {path} for {who} is released by {others} "
		"now.",
		""},
	[EMR_SAY_DEPOSIT_NEEDS_YES] = {"needs-yes", "", "error", EMR_EXIT_NEEDS_YES,
		"This lets {names} leave files in {path}. Nothing was shared.",
		"Repeat on a terminal, or with --yes"},
	[EMR_SAY_MAY_WRITE_ALREADY] = {"may-write-already", "", "error", EMR_EXIT_DENIED,
		"{who} may write in {path} already, which is more. Nothing was changed.",
		"To take that back first: emrfs revoke '{path}' from '{who}'"},
	[EMR_SAY_WRITE_WITH_PERSON] = {"not-a-person", "", "error", EMR_EXIT_DENIED,
		"{who} can be shared with for reading only: whoever writes signs it with a key of "
		"his own.",
		"Say who: handle@organisation"},
	[EMR_SAY_DEPOSIT_IN_FOLDER] = {"not-shareable", "", "error", EMR_EXIT_DENIED,
		"{path} is a file: nothing can be left in it.",
		"To let somebody change it: --write; to let somebody leave files, share a folder."},
	[EMR_SAY_REPLACES] = {"replaces-share", "", "info", EMR_EXIT_PART,
		"What {who} has of {path} now ({terms}) ends when this stands.", ""},
	[EMR_SAY_NEEDS_THEIR_YES] = {"needs-their-yes", "", "info", EMR_EXIT_PART,
		"Nothing opens by this alone: {who} (or a computer of theirs) has to say yes.", ""},
	[EMR_SAY_NOT_A_MEMBER] = {"not-a-member", "", "error", EMR_EXIT_DENIED,
		"{who} has no key on your network, or it has ended: nothing can be shared with "
		"them.",
		"A member comes in with an invitation: emrfs init --join INVITE"},
	[EMR_SAY_SHARE_WITH_PERSON] = {"not-a-person", "", "error", EMR_EXIT_DENIED,
		"{who} is an organisation in which nobody works yet; there is nobody to share "
		"with.",
		"Say who: handle@organisation"},
	[EMR_SAY_NOT_SHAREABLE] = {"not-shareable", "", "error", EMR_EXIT_DENIED,
		"{path} is a link, and is not shared by itself; what it points to can be.",
		"emrfs share TARGET with WHO"},
	[EMR_SAY_NEVER_SHARED] = {"never-shared", "", "error", EMR_EXIT_DENIED,
		"{path} is never shared.", "Share a folder or a file that holds records."},
	[EMR_SAY_NOT_SHARED] = {"not-shared", "", "error", EMR_EXIT_NO_SUCH,
		"{path} is not shared with {who}: there is nothing to end.", "emrfs share"},
	[EMR_SAY_STILL_READS] = {"still-reads", "", "warn", EMR_EXIT_PART,
		"{who} still reads {path}: it is shared with {called}.",
		"To end that: emrfs revoke '{path}' from '{called}'"},
	[EMR_SAY_SHARE_FAILED] = {"share-failed", "", "error", EMR_EXIT_FAILED,
		"{path} is not shared with {who}: {cause}.", "What is in force: emrfs share"},
	[EMR_SAY_REVOKE_FAILED] = {"revoke-failed", "", "error", EMR_EXIT_FAILED,
		"{path} is still shared with {who}: {cause}.", "What is in force: emrfs share"},
	[EMR_SAY_ORDER_UNSENT] = {"unsent", "", "warn", EMR_EXIT_UNSENT,
		"This is written down, but not on the ledger yet.",
		"It goes on by itself while your folder is open: emrfs share"},
	[EMR_SAY_ASKED] = {"asked", "", "info", EMR_EXIT_PART,
		"{who} asks for {what}, {purpose}{because}",
		"emrfs approve {id}, or: emrfs deny {id}"},
	[EMR_SAY_READER_ADMITTED] = {"reader-admitted", "", "info", EMR_EXIT_PART,
		"{names}: let into {dataset} by its steward, where {path} can be read.",
		"All who read it: emrfs dataset {dataset}. To take your folder out: emrfs dataset "
		"leave {dataset}"},
	[EMR_SAY_CONSENT_ASKS] = {"asked", "", "info", EMR_EXIT_PART,
		"{path} asks that {who} may have {what}, {purpose}. Nobody has it before you say "
		"yes.",
		"emrfs approve {id}, or: emrfs deny {id}"},
	[EMR_SAY_NO_CONSENT] = {"consent-refused", "", "warn", EMR_EXIT_DENIED,
		"{path} is no request: {cause}.",
		"The file stays as it is, and nobody sees anything by it."},
	[EMR_SAY_SAID_YES] = {"said-yes", "", "info", EMR_EXIT_PART,
		"{who} said yes to your request {id} for {what}.", ""},
	[EMR_SAY_SAID_NO] = {"said-no", "", "info", EMR_EXIT_PART,
		"{who} said no to your request {id} for {what}{because}", ""},
	[EMR_SAY_NO_REQUEST] = {"no-request", "", "error", EMR_EXIT_NO_SUCH,
		"There is no request {id}, or several begin so.", "emrfs request"},
	[EMR_SAY_ANSWERED] = {"answered", "", "error", EMR_EXIT_DENIED,
		"Request {id} is answered already, or taken back.", "emrfs request"},
	[EMR_SAY_NOT_HERE] = {"no-such-path", "", "error", EMR_EXIT_NO_SUCH,
		"{path} is not in your folder: nothing was shared.",
		"If you know what is meant: emrfs share PATH with {who}; or: emrfs deny {id} "
		"--reason TEXT"},
	[EMR_SAY_YOUR_OWN_REQUEST] = {"bad-request", "", "error", EMR_EXIT_DENIED,
		"{id} is a request of yours; the other one answers it.", "emrfs request"},
	[EMR_SAY_REQUEST_AWAY] = {"ledger-away", "", "error", EMR_EXIT_UNREACHABLE,
		"The ledger cannot be reached: nothing was asked or answered.",
		"Try again when it is back."},
	[EMR_SAY_BAD_REQUEST] = {"bad-request", "", "error", EMR_EXIT_USE,
		"The path or the reason has characters that hide or turn text, or is over 1,023 "
		"bytes.",
		""},
	[EMR_SAY_ASK_A_PERSON] = {"bad-request", "", "error", EMR_EXIT_USE,
		"{who} is an organisation; records belong to people.", "emrfs people"},
	[EMR_SAY_ASK_YOURSELF] = {"bad-request", "", "error", EMR_EXIT_USE, "{who} is you.", ""},
	[EMR_SAY_NOT_ON_LEDGER] = {"not-on-ledger", "", "error", EMR_EXIT_DENIED,
		"{who} cannot be asked, or you may not ask: one of you has no key in force on this "
		"ledger.",
		"emrfs people {who}"},
	[EMR_SAY_NOT_READY] = {"not-ready", "", "warn", EMR_EXIT_PART,
		"This computer is not ready: {n} of {m} checks failed.", ""},
	[EMR_SAY_NODE_ADDRESS] = {"node-address", "", "warn", EMR_EXIT_USE,
		"{node} is no address of an IPFS node.",
		"Write it as unix:/PATH/api.sock, http://127.0.0.1:PORT or https://HOST."},
	[EMR_SAY_NODE_CLEAR_TEXT] = {"node-clear-text", "", "warn", EMR_EXIT_USE,
		"{node} is another computer, and is spoken to with TLS only. Nothing was sent.",
		"Put a proxy with TLS before it, and write https://HOST."},
	[EMR_SAY_NODE_NO_HOST] = {"node-no-host", "", "warn", EMR_EXIT_UNREACHABLE,
		"The name of {node} is not known here.",
		"Look whether it is right, and whether this computer is connected."},
	[EMR_SAY_NODE_NO_ANSWER] = {"node-no-answer", "", "warn", EMR_EXIT_UNREACHABLE,
		"{node} does not answer.",
		"Start the node. If it does not start after a power cut, its old socket is in the "
		"way: remove api.sock in its repository."},
	[EMR_SAY_NODE_CERTIFICATE] = {"node-certificate", "", "warn", EMR_EXIT_DENIED,
		"{node} could not prove who it is: {said}. Nothing was sent.",
		"Whoever runs it knows its certificate; the authority that vouches for it goes "
		"into the setting node-ca."},
	[EMR_SAY_NODE_SLOW] = {"node-slow", "", "warn", EMR_EXIT_UNREACHABLE,
		"{node} did not answer in time.",
		"Try again. If it stays so, look at the node's own log."},
	[EMR_SAY_NODE_TOKEN] = {"node-token", "", "warn", EMR_EXIT_DENIED,
		"{node} does not accept the token.",
		"Ask whoever runs it for a token; the setting node-token names the file that has "
		"it."},
	[EMR_SAY_NODE_NOT_ALLOWED] = {"node-not-allowed", "", "warn", EMR_EXIT_DENIED,
		"{node} accepts the token, but not for this.",
		"Whoever runs it adds it to AllowedPaths of this token."},
	[EMR_SAY_NODE_CONFLICT] = {"node-conflict", "", "warn", EMR_EXIT_UNREACHABLE,
		"{node} refuses for now: {said}.",
		"Try again. If it stays so, ask whoever runs it."},
	[EMR_SAY_NODE_BUSY] = {"node-busy", "", "warn", EMR_EXIT_UNREACHABLE,
		"{node} has too much to do.", "It is asked again later."},
	[EMR_SAY_NODE_UNAVAILABLE] = {"node-unavailable", "", "warn", EMR_EXIT_UNREACHABLE,
		"The proxy of {node} answers, but the node behind it does not.",
		"Tell whoever runs it."},
	[EMR_SAY_NODE_FULL] = {"node-full", "", "warn", EMR_EXIT_FAILED,
		"The disk of {node} is full.", "Whoever runs it makes room there."},
	[EMR_SAY_NODE_ERROR] = {"node-error", "", "warn", EMR_EXIT_UNREACHABLE,
		"{node} failed by its own word: {said}.", "Look at the node's own log."},
	[EMR_SAY_NODE_STRANGE] = {"node-strange", "", "warn", EMR_EXIT_UNREACHABLE,
		"What answers at {node} is no IPFS node: {said}.",
		"Look whether the address is right."},
	[EMR_SAY_NODE_OLD] = {"node-old", "", "warn", EMR_EXIT_UNREACHABLE,
		"{node} runs Kubo {said}, and 0.43.1 is the oldest that keeps to itself.",
		"Update it."},
	[EMR_SAY_NODE_TOO_LARGE] = {"node-too-large", "", "warn", EMR_EXIT_FAILED,
		"{node} has to do with more at once than it may: {said}.",
		"Tell whoever runs it, and the makers of emrfs."},
	[EMR_SAY_NODE_BAD_BLOCK] = {"node-bad-block", "", "warn", EMR_EXIT_BAD_DATA,
		"{node} gave other bytes than it was asked for. They were thrown away.",
		"Whoever runs it looks at its disk: ipfs repo verify"},
	[EMR_SAY_NODE_BROKEN_OFF] = {"node-broken-off", "", "warn", EMR_EXIT_UNREACHABLE,
		"{node} broke off its answer: {said}.",
		"Try again. If it stays so, look at the node's own log and at a proxy before it."},
	[EMR_SAY_NODE_MISSING] = {"node-missing", "", "warn", EMR_EXIT_UNREACHABLE,
		"{node} does not have it.", ""},
	[EMR_SAY_NODE_NOT_KEPT] = {"node-not-kept", "", "warn", EMR_EXIT_UNREACHABLE,
		"{node} took it and does not keep it: {said}.", "It is sent again."},
	[EMR_SAY_NODE_BAD_CAR] = {"node-bad-car", "", "warn", EMR_EXIT_UNREACHABLE,
		"{node} refused what was sent as damaged: {said}.", "It is sent again."},
	[EMR_SAY_NODE_OTHER_ANSWER] = {"node-other-answer", "", "warn", EMR_EXIT_BAD_DATA,
		"{node} answers something else than it was asked. It does not count.",
		"Look whether the address is right, and tell whoever runs it."},
	[EMR_SAY_NODE_UNSET] = {"node-unset", "", "warn", EMR_EXIT_FAILED, "No IPFS node is set.",
		"Write a line  node = unix:/PATH/api.sock  into your settings."},
	[EMR_SAY_COPIES_SHORT] = {"copies-short", "", "warn", EMR_EXIT_PART,
		"Fewer copies than wanted: {n}.",
		"What waits is sent by itself. To have every place asked now: emrfs copies "
		"--repair. What this computer lacks: emrfs verify"},
	[EMR_SAY_INTERRUPTED] = {"interrupted", "", "error", EMR_EXIT_INTERRUPTED, "Interrupted.",
		""},
	[EMR_SAY_FAILED] = {"failed", "", "error", EMR_EXIT_FAILED, "{what}: {cause}.", ""},
};

const char *emr_exit_text(int code)
{
	static const struct {
		emr_exit code;
		const char *text;
	} texts[] = {
		{EMR_EXIT_DONE, "done"},
		{EMR_EXIT_FAILED, "failed"},
		{EMR_EXIT_USE, "wrong use"},
		{EMR_EXIT_PART, "done in part, each failure listed"},
		{EMR_EXIT_UNSENT, "done here, not yet on the ledger"},
		{EMR_EXIT_NO_SUCH, "no such path"},
		{EMR_EXIT_DENIED, "not allowed"},
		{EMR_EXIT_UNREACHABLE, "not reachable in time"},
		{EMR_EXIT_BAD_DATA, "failed verification"},
		{EMR_EXIT_NOT_OPEN, "no keyring, or the folder is not open"},
		{EMR_EXIT_IN_USE, "in use by another process"},
		{EMR_EXIT_PASSPHRASE, "wrong passphrase or words"},
		{EMR_EXIT_NEEDS_YES, "needs an answer: no terminal"},
		{EMR_EXIT_INTERRUPTED, "interrupted"},
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if ((int)texts[i].code == code)
			return emr_text(texts[i].text);
	}
	return NULL;
}

const emr_message_row *emr_message_get(emr_message message)
{
	return &rows[message];
}

bool emr_message_find(const char *id, emr_message *out_message)
{
	for (int i = 0; i < EMR_MESSAGE_COUNT; i++) {
		if (strcmp(rows[i].id, id) == 0) {
			*out_message = (emr_message)i;
			return true;
		}
	}
	return false;
}

/* Bytes of the well-formed UTF-8 character at TEXT (RFC 3629), or 0. */
static size_t character_bytes(const unsigned char *text)
{
	static const unsigned char low[] = {0x80, 0xa0, 0x90}, high[] = {0xbf, 0x9f, 0x8f};
	size_t n = text[0] < 0x80   ? 1
		   : text[0] < 0xc2 ? 0
		   : text[0] < 0xe0 ? 2
		   : text[0] < 0xf0 ? 3
		   : text[0] < 0xf5 ? 4
				    : 0;

	for (size_t i = 1; i < n; i++) {
		unsigned char from = low[0], to = high[0];

		if (i == 1 && text[0] == 0xe0)
			from = low[1];
		if (i == 1 && text[0] == 0xf0)
			from = low[2];
		if (i == 1 && text[0] == 0xed)
			to = high[1];
		if (i == 1 && text[0] == 0xf4)
			to = high[2];
		if (text[i] < from || text[i] > to)
			return 0;
	}
	return n;
}

/* What a terminal obeys, or what turns, ends or hides the text around it: the same characters that
 * no name on a card may have (keyring/text.c).  N: bytes of the sound character at U. */
static bool misleads(const unsigned char *u, size_t n, uint32_t *out_code)
{
	uint32_t c = n == 1 ? u[0] : u[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (u[i] & 0x3fu);
	*out_code = c;
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200b || c == 0x200e ||
	       c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

void emr_show_json(const char *json, FILE *to)
{
	while (*json != '\0') {
		const unsigned char *u = (const unsigned char *)json;
		size_t n = character_bytes(u);
		uint32_t code = 0;

		if (n == 0 || !misleads(u, n, &code))
			fwrite(json, 1, n > 0 ? n : 1, to);
		else if (code >= 0x10000)
			fprintf(to, "\\u%04x\\u%04x", 0xd800 + (unsigned)((code - 0x10000) >> 10),
				0xdc00 + (unsigned)(code & 0x3ff));
		else
			fprintf(to, "\\u%04x", (unsigned)code);
		json += n > 0 ? n : 1;
	}
}

void emr_show(const char *text, char *out, size_t size)
{
	size_t at = 0;

	while (*text != '\0') {
		const unsigned char *u = (const unsigned char *)text;
		size_t n = character_bytes(u);
		uint32_t code;
		bool is_shown = n > 0 && !misleads(u, n, &code);
		size_t takes = is_shown ? n : 1;

		if (at + takes >= size)
			break;
		if (is_shown)
			memcpy(out + at, text, n);
		else
			out[at] = '?';
		at += takes;
		text += n > 0 ? n : 1;
	}
	out[at] = '\0';
}

#define PAIRS_MAX 8

typedef struct pairs {
	size_t n;
	const char *names[PAIRS_MAX], *values[PAIRS_MAX];
} pairs;

static const char *value_of(const pairs *known, const char *name, size_t len)
{
	for (size_t i = 0; i < known->n; i++) {
		if (strlen(known->names[i]) == len && memcmp(known->names[i], name, len) == 0)
			return known->values[i];
	}
	return "?";
}

/* What may stand between single quotes of a shell: ' ends them, is said, and begins them anew. */
static void quote(const char *text, char *out, size_t size)
{
	static const char apostrophe[] = "'\\''";
	size_t at = 0;

	for (; *text != '\0' && at + sizeof apostrophe < size; text++) {
		if (*text != '\'') {
			out[at++] = *text;
			continue;
		}
		memcpy(out + at, apostrophe, sizeof apostrophe - 1);
		at += sizeof apostrophe - 1;
	}
	out[at] = '\0';
}

/* ---- commands in what is said ---- */

#define AS_MAX 80

static char as_option[AS_MAX]; /* " --as NAME", set before there are threads; "" mostly */

void emr_hints_as(const char *name)
{
	if (name != NULL && strlen(name) + sizeof " --as " <= sizeof as_option)
		snprintf(as_option, sizeof as_option, " --as %s", name);
}

/* Whether AT, behind "emrfs", goes on with a blank and a verb. */
static bool is_command(const char *at)
{
	char word[16];
	size_t len = at[0] == ' ' ? strspn(at + 1, "abcdefghijklmnopqrstuvwxyz") : 0;
	emr_verb verb;

	if (len == 0 || len >= sizeof word)
		return false;
	memcpy(word, at + 1, len);
	word[len] = '\0';
	return emr_verb_find(word, &verb);
}

/* TEXT, which is a template or a format and no name of anybody's, with the keyring in each command:
 * without it the command would lead to another one. */
static void name_keyring(const char *text, char *out, size_t size)
{
	static const char program[] = "emrfs";
	size_t at = 0, option = strlen(as_option);

	while (*text != '\0' && at + 1 < size) {
		bool is = strncmp(text, program, sizeof program - 1) == 0 &&
			  is_command(text + sizeof program - 1) &&
			  at + sizeof program + option < size;

		if (!is) {
			out[at++] = *text++;
			continue;
		}
		memcpy(out + at, program, sizeof program - 1);
		memcpy(out + at + sizeof program - 1, as_option, option);
		at += sizeof program - 1 + option;
		text += sizeof program - 1;
	}
	out[at] = '\0';
}

/* The format is the caller's, which the compiler has checked there; a keyring's name has no percent
 * sign. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void emr_hint_vprint(FILE *to, const char *format, va_list arguments)
{
	char named[EMR_PROBLEM_TEXT_BYTES];

	format = emr_text(format);
	if (as_option[0] == '\0' || strlen(format) + 4 * AS_MAX >= sizeof named) {
		vfprintf(to, format, arguments);
		return;
	}
	name_keyring(format, named, sizeof named);
	vfprintf(to, named, arguments);
}
#pragma GCC diagnostic pop

void emr_hint_print(FILE *to, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	emr_hint_vprint(to, format, arguments);
	va_end(arguments);
}

/* TEMPLATE with its {names} replaced; what does not fit is cut. */
static void fill(const char *template, const pairs *known, char *out, size_t size)
{
	size_t at = 0;

	while (*template != '\0' && at + 1 < size) {
		const char *end = *template == '{' ? strchr(template, '}') : NULL;

		if (end == NULL) {
			out[at++] = *template ++;
			continue;
		}
		emr_show(value_of(known, template + 1, (size_t)(end - template - 1)), out + at,
			size - at);
		at += strlen(out + at);
		template = end + 1;
	}
	out[at] = '\0';
}

/* A hint is pasted into a shell, and the names in it are others' to choose: '{name}' stays one word
 * of it, whatever it is. */
static void fill_hint(const char *template, const pairs *known, char *out, size_t size)
{
	char shown[EMR_PROBLEM_TEXT_BYTES], quoted[PAIRS_MAX][EMR_PROBLEM_TEXT_BYTES];
	pairs words = *known;

	if (strstr(template, "'{") == NULL) {
		fill(template, known, out, size);
		return;
	}
	for (size_t i = 0; i < known->n; i++) {
		emr_show(known->values[i], shown, sizeof shown);
		quote(shown, quoted[i], sizeof quoted[i]);
		words.values[i] = quoted[i];
	}
	fill(template, &words, out, size);
}

void emr_newer_numbers(char *out, size_t size)
{
	uint64_t met, known;

	out[0] = 0;
	if (emr_newer_format_take(&met, &known))
		snprintf(out, size, _(": version %llu, and it reads up to %llu"),
			(unsigned long long)met, (unsigned long long)known);
}

void emr_problem_set(emr_problem *problem, emr_message message, ...)
{
	char template[EMR_PROBLEM_TEXT_BYTES], numbers[120];
	pairs known = {0};
	const char *name;
	va_list arguments;

	va_start(arguments, message);
	while (known.n < PAIRS_MAX && (name = va_arg(arguments, const char *)) != NULL) {
		known.names[known.n] = name;
		known.values[known.n] = va_arg(arguments, const char *);
		known.n++;
	}
	va_end(arguments);
	if (message == EMR_SAY_NEWER_FORMAT && known.n < PAIRS_MAX) {
		emr_newer_numbers(numbers, sizeof numbers);
		known.names[known.n] = "numbers";
		known.values[known.n++] = numbers;
	}
	problem->is_set = true;
	problem->message = message;
	name_keyring(emr_text(rows[message].sentence), template, sizeof template);
	fill(template, &known, problem->text, sizeof problem->text);
	name_keyring(emr_text(rows[message].hint), template, sizeof template);
	fill_hint(template, &known, problem->hint, sizeof problem->hint);
	problem->path[0] = '\0';
	if (strcmp(value_of(&known, "path", 4), "?") != 0)
		emr_show(value_of(&known, "path", 4), problem->path, sizeof problem->path);
}

void emr_problem_set_status(emr_problem *problem, emr_status status, const char *what)
{
	switch (status) {
	case EMR_NO_SPACE:
	case EMR_QUOTA:
		emr_problem_set(problem, EMR_SAY_FAILED, "what", what, "cause",
			_("no space left on the disk"), NULL);
		return;
	case EMR_NEWER_FORMAT:
		emr_problem_set(problem, EMR_SAY_NEWER_FORMAT, "what", what, NULL);
		return;
	case EMR_EXPOSED:
		emr_problem_set(problem, EMR_SAY_EXPOSED, "file", what, NULL);
		return;
	case EMR_WRONG_PASSPHRASE:
		emr_problem_set(problem, EMR_SAY_WRONG_PASSPHRASE, NULL);
		return;
	case EMR_ROLLBACK:
		emr_problem_set(problem, EMR_SAY_ROLLBACK, NULL);
		return;
	case EMR_DAMAGED:
	case EMR_BAD_SIGNATURE:
		emr_problem_set(problem, EMR_SAY_PART_DAMAGED, "what", what, "state",
			_("your emrfs directory"), NULL);
		return;
	case EMR_MISSING_DATA:
		emr_problem_set(problem, EMR_SAY_PART_MISSING, "what", what, "state",
			_("your emrfs directory"), NULL);
		return;
	case EMR_INTERRUPTED:
		emr_problem_set(problem, EMR_SAY_INTERRUPTED, NULL);
		return;
	case EMR_NO_MEMORY:
		emr_problem_set(problem, EMR_SAY_FAILED, "what", what, "cause",
			_("not enough memory"), NULL);
		return;
	case EMR_IO:
		emr_problem_set(problem, EMR_SAY_FAILED, "what", what, "cause",
			_("the disk answers with an error"), NULL);
		return;
	case EMR_OK:
	case EMR_INVALID:
	case EMR_LIMIT:
	case EMR_NOT_FOUND:
	case EMR_EXISTS:
	case EMR_NOT_EMPTY:
	case EMR_NOT_DIRECTORY:
	case EMR_IS_DIRECTORY:
	case EMR_BAD_NAME:
	case EMR_RESERVED_NAME:
	case EMR_NO_HARD_LINKS:
	case EMR_FORBIDDEN:
	case EMR_WOULD_SHARE:
	case EMR_APART:
	case EMR_READ_ONLY:
	case EMR_NO_ATTRIBUTE:
	case EMR_ATTRIBUTE_SPACE:
	case EMR_RANGE:
	case EMR_UNSUPPORTED:
	case EMR_CROSS:
	case EMR_TOO_BIG:
	case EMR_DENIED:
	case EMR_FORK:
	case EMR_WRONG_WORDS:
	case EMR_BUSY:
	case EMR_OFFLINE:
	case EMR_TIMEOUT:
	case EMR_AWAITED:
	case EMR_CONFLICT:
	case EMR_EPOCH:
	case EMR_REFUSED:
	case EMR_ACCESS_ENDED:
	case EMR_ACCESS_REVOKED:
	case EMR_STATUS_COUNT:
		break;
	}
	emr_problem_set(problem, EMR_SAY_FAILED, "what", what, "cause",
		emr_text(emr_status_text(status)), NULL);
}
