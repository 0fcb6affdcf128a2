/* This file is the one table of verbs; options.c has that of options. The parser, the help, the
 * manual pages and the completion of shells are made from it. */
#include "kit/verbs.h"

#include <string.h>

#define BIT(option) ((uint64_t)1 << (option))

#define COMMON                                                                                     \
	(BIT(EMR_OPT_AS) | BIT(EMR_OPT_JSON) | BIT(EMR_OPT_QUIET) | BIT(EMR_OPT_YES) |             \
		BIT(EMR_OPT_HELP) | BIT(EMR_OPT_VERSION))

static const unsigned char exits_org[] = {3, 5, 6, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_dataset[] = {3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_agent[] = {6, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_wallet[] = {5, 6, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_device[] = {5, 6, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_init[] = {3, 6, 7, 8, 11, 12, 13, 0};
static const unsigned char exits_join[] = {4, 5, 6, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_mount[] = {5, 6, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_unmount[] = {3, 4, 7, 10, 11, 0};
static const unsigned char exits_status[] = {4, 5, 7, 10, 0};
static const unsigned char exits_share[] = {4, 5, 6, 7, 10, 11, 13, 0};
static const unsigned char exits_revoke[] = {3, 4, 5, 6, 7, 10, 11, 0};
static const unsigned char exits_people[] = {5, 6, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_request[] = {5, 6, 7, 8, 10, 0};
static const unsigned char exits_approve[] = {5, 6, 7, 8, 10, 13, 0};
static const unsigned char exits_deny[] = {5, 6, 7, 8, 10, 0};
static const unsigned char exits_log[] = {5, 6, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_restore[] = {3, 5, 6, 7, 8, 10, 11, 0};
static const unsigned char exits_move[] = {5, 6, 7, 10, 11, 13, 0};
static const unsigned char exits_keep[] = {5, 6, 7, 10, 0};
static const unsigned char exits_copies[] = {3, 5, 7, 10, 0};
static const unsigned char exits_erase[] = {3, 5, 6, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_verify[] = {3, 5, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_ledger[] = {5, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_backup[] = {3, 6, 8, 10, 11, 0};
static const unsigned char exits_export[] = {5, 7, 8, 10, 0};
static const unsigned char exits_import[] = {3, 5, 6, 7, 8, 10, 13, 0};
static const unsigned char exits_passwd[] = {6, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_recover[] = {6, 7, 8, 10, 11, 12, 13, 0};
static const unsigned char exits_check[] = {3, 0};
static const unsigned char exits_help[] = {0};

static const emr_verb_row verbs[EMR_VERB_COUNT] = {
	[EMR_VERB_INIT] = {.name = "init",
		.operands = "",
		.operands_max = 0,
		.help = "Create your keyring and folder",
		.manual = "Makes a keyring under a passphrase, shows the 24 words that bring it "
			  "back, asks for three of\n"
			  "them, and makes a ledger of one computer. Without a terminal, or with "
			  "--yes, the words go to\n"
			  "--words-file.\n"
			  "With --restore everything comes back from a backup, with the passphrase "
			  "it had or with the\n"
			  "24 words alone (from --words-file, or asked); then a new passphrase is "
			  "asked for.\n"
			  "With --join the ledger is that of an organisation's network, which has "
			  "made INVITE with emrfs org invite "
			  "and waits.\n"
			  "Its members then see that a patient of this network saves something, "
			  "and when; never a name, content or "
			  "size.\n"
			  "Where the organisation has an authority of its own (Fabric CA), that "
			  "gives "
			  "the certificate, to the log-in in\n"
			  "the invitation or to yours (--login), whose secret is asked for or read "
			  "from --secret-file.\n",
		.fields = "id name born folder words_checked second_copy records network",
		.options = BIT(EMR_OPT_NAME) | BIT(EMR_OPT_BORN) | BIT(EMR_OPT_WORDS_FILE) |
			   BIT(EMR_OPT_RESTORE) | BIT(EMR_OPT_JOIN) | BIT(EMR_OPT_WITHIN) |
			   BIT(EMR_OPT_LOGIN) | BIT(EMR_OPT_SECRET_FILE) |
			   BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_init},
	[EMR_VERB_JOIN] = {.name = "join",
		.operands = "[INVITE]",
		.operands_max = 1,
		.help = "Join a network and take your records along",
		.manual = "For who began alone: your records go on with the ledger of the network "
			  "that invited you, with the same "
			  "ids, versions\n"
			  "and contents; nothing is encrypted again. First it says what the "
			  "members will see, and asks. The earlier "
			  "ledger\n"
			  "stays here: earlier versions, deleted files and the log are still what "
			  "they were, for you alone. What is "
			  "interrupted\n"
			  "goes on with emrfs join. Earlier backups are of the earlier ledger: "
			  "make a new one, in another "
			  "directory.\n"
			  "For a member, with an invitation of the same network: a new certificate "
			  "for the same key.\n",
		.fields = "network members[]{id code role organisation} registered copied "
			  "visible_to_members[]{what n code} renewed",
		.options = BIT(EMR_OPT_WITHIN) | BIT(EMR_OPT_LOGIN) | BIT(EMR_OPT_SECRET_FILE) |
			   BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_join},
	[EMR_VERB_MOUNT] = {.name = "mount",
		.operands = "[DIR]",
		.operands_max = 1,
		.help = "Open your folder",
		.manual =
			"Opens your folder at DIR (~/Health, which is made when it is missing) "
			"and returns when it can be\n"
			"used. DIR must be empty. What a program that was killed left mounted "
			"there is cleaned up first. While the folder is\n"
			"closed, programs cannot save in DIR; what got there all the same is moved "
			"beside it, and told. What others share\n"
			"is opened for the purpose of --purpose; your own records ask for none.\n"
			"With --dataset it is that dataset, and nothing else, for reading and for "
			"research; with NAME@ID what of a frozen\n"
			"state is there still.\n",
		.fields = "folder pid read_only ledger_error second_copy saved_while_closed "
			  "dataset{name snapshot versions present withdrawn complete}",
		.options = BIT(EMR_OPT_READ_ONLY) | BIT(EMR_OPT_IDLE) | BIT(EMR_OPT_FOREGROUND) |
			   BIT(EMR_OPT_MOUNT_OPTIONS) | BIT(EMR_OPT_PASSPHRASE_FILE) |
			   BIT(EMR_OPT_PURPOSE) | BIT(EMR_OPT_DATASET),
		.exits = exits_mount},
	[EMR_VERB_UNMOUNT] = {.name = "unmount",
		.alias = "umount",
		.operands = "[DIR]",
		.operands_max = 1,
		.help = "Close your folder once work is safe",
		.manual = "Publishes what is not on the ledger yet, waits for it, closes the "
			  "folder and returns when the\n"
			  "process that kept it open has ended. What could not be published is "
			  "listed; it is safe on this\n"
			  "disk and is sent the next time the folder is open. What a full or "
			  "failing disk did not take is listed apart, and\n"
			  "the folder stays open for it; with --now it closes, and what was in "
			  "memory only is lost (exit 3).\n"
			  "Thumbnails and entries in the list of recent files that tell of the "
			  "folder lie outside of it and stay; they\n"
			  "are counted, and --purge removes them, also when the folder is closed "
			  "already.\n",
		.fields = "folder unsent[] left_outside[] not_safe[] traces[]{kind file about "
			  "removed}",
		.options = BIT(EMR_OPT_NOW) | BIT(EMR_OPT_PURGE),
		.exits = exits_unmount},
	[EMR_VERB_STATUS] = {.name = "status",
		.operands = "[PATH]",
		.operands_max = 1,
		.help = "What is safe, where, and why something failed",
		.manual = "PATH is looked up from the current directory if that is inside the open "
			  "folder, otherwise from\n"
			  "the folder's top.\n",
		.fields =
			"folder owner code files directories bytes local[] local_files unreadable "
			"strangers[] pending pinned confirmed failed\n"
			"conflicts[] unsent[] state read_only copies second_copy backups[]{dir "
			"made_at made_unix "
			"gone same_disk} backup_at "
			"backup_unix backup_dir network\n"
			"ledger{kind size witnessed away_at away_unix error message "
			"hint} waiting_requests words_tested_at errors[]{at path error "
			"message hint level} requests{} writing[]{path bytes} writing_files "
			"writing_bytes\n"
			"pending_bytes memory_only_files network_name members shares_received "
			"shares_received_until shares_received_until_unix not_safe_files "
			"not_safe[] disk_error viewer_cache not_whole awaiting_copies copies_first "
			"places[]{name state counts copies "
			"of stuck "
			"leaving sending sending_of error message hint};\n"
			"with PATH: path and the attributes of the file (state version cid tx "
			"signature ...), signed{own by organisation signature note at placed "
			"entry tx witnesses[]} and readers[]{name until}",
		.options = BIT(EMR_OPT_WAIT),
		.exits = exits_status},
	[EMR_VERB_SHARE] = {.name = "share",
		.operands = "[PATH with WHO]",
		.operands_max = 3,
		.help = "Let someone open a file or folder; alone: list",
		.manual =
			"PATH is a folder, with everything in it, now and later, or a file. WHO "
			"is what you call somebody (emrfs people),\n"
			"handle@organisation, a team or @organisation; it must fit exactly one "
			"of them. They may read, for treatment, and for 30 days, unless "
			"said\n"
			"otherwise; with --write they may change and remove what is there, too "
			"(of a file shared by itself: change its\n"
			"content), and with --deposit only leave new files, of which they see "
			"nothing. It ends by itself. Earlier versions, deleted files and former "
			"names stay hidden without "
			"--history.\n"
			"Says first what that means, and who releases the keys, and asks (--yes: "
			"not asked). It is done in the "
			"background,\n"
			"also after a crash; --wait waits for the ledger. Sharing again says what "
			"shall be from now on: another --until, other\n"
			"rights or purposes take the place of what stood. What was asked for and "
			"failed stays in the list until it "
			"is asked\n"
			"for again or revoked.\n"
			"Alone it lists what you share, and then what others share with you: "
			"what ends first stands first, and what has\n"
			"ended in the last 30 days last. --fhir writes what you share, and what "
			"you have shared and is over (inactive), as\n"
			"FHIR R4 Consents, one file a share; a later run replaces them. A right "
			"to leave files is none, and what waits for the\n"
			"ledger is not written yet.\n",
		.fields = "grants[]{id path who name organisation rights purpose until history "
			  "state released_by[] needed opened} "
			  "shared_with_me[]{path owner rights purpose until history state} "
			  "already written",
		.options = BIT(EMR_OPT_UNTIL) | BIT(EMR_OPT_PURPOSE) | BIT(EMR_OPT_HISTORY) |
			   BIT(EMR_OPT_WAIT) | BIT(EMR_OPT_WRITE) | BIT(EMR_OPT_DEPOSIT) |
			   BIT(EMR_OPT_FHIR),
		.exits = exits_share},
	[EMR_VERB_REVOKE] = {.name = "revoke",
		.operands = "[PATH] from WHO",
		.operands_max = 3,
		.help = "Stop sharing",
		.manual =
			"Ends everything that WHO has of PATH, or with --all everything that WHO "
			"has of yours, at once. What lies there "
			"gets\n"
			"new keys with your next save. What was opened, and the names that were "
			"seen, cannot be un-seen: they are "
			"listed, and apart\n"
			"what could have been opened because its key came along. Other shares by "
			"which WHO still reads it, as one of a team or an\n"
			"organisation, or by the folder around it, are named with the command that "
			"ends them.\n",
		.fields = "ended[]{id path} opened[]{path version at proven} "
			  "released[]{path version at} names_seen still[]{path via} state",
		.options = BIT(EMR_OPT_ALL) | BIT(EMR_OPT_WAIT),
		.exits = exits_revoke},
	[EMR_VERB_PEOPLE] = {.name = "people",
		.operands = "[WHO | card | add CARD | check WHO]",
		.operands_max = 2,
		.help = "Whom you know, and your own card",
		.manual = "card makes yours: your name, birth date and public keys, signed by you, "
			  "to hand out: a file with -o, else "
			  "as text,\n"
			  "on a terminal that is wide enough also as a QR code. -o FILE.pdf and -o "
			  "FILE.png are a page with the code\n"
			  "to print. add takes somebody else's: a file, - "
			  "or the text of its QR code "
			  "(EMRFS:...).\n"
			  "A card says by itself only that its keys belong together. check shows "
			  "the number that both of you must "
			  "see;\n"
			  "compare it by telephone or face to face: if it is the same, nobody sits "
			  "between you (--yes: it is). WHO "
			  "is what\n"
			  "you call somebody, or his full name or code where only one has it. The "
			  "list is sealed, kept on this "
			  "computer,\n"
			  "and in backups.\n",
		.fields = "people[]{who name born code id role organisation team registered "
			  "valid_until ended compared "
			  "same_network vouched_by[]};\n"
			  "card: card qr name born code valid_until file; add: also change; check: "
			  "also number",
		.options =
			BIT(EMR_OPT_NAME) | BIT(EMR_OPT_CARD_FILE) | BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_people},
	[EMR_VERB_REQUEST] = {.name = "request",
		.operands = "[OWNER[:PATH]]",
		.operands_max = 1,
		.help = "Ask for access; alone: list",
		.manual = "Asks OWNER (whom you call so, his full name, NAME BORN (CODE) as below "
			  "shared-with-me, that CODE, or\n"
			  "handle@organisation) to share PATH with you, for reading if nothing\n"
			  "else is said; PATH is in your words, because you may not see names "
			  "there. With --emergency the person is the one "
			  "on\n"
			  "CARD, the purpose is emergency, PATH is Emergency unless given as "
			  ":PATH, the end is in 24 hours, and a reason is "
			  "needed;\n"
			  "it still takes that person's yes. Only OWNER can read it; others see "
			  "that you ask somebody. Without "
			  "OWNER:\n"
			  "what others ask you, and what became of what you asked: requests to you "
			  "are answered by approve and "
			  "deny,\n"
			  "and lie as files in .emrfs/requests. An open one is over after 90 days, "
			  "an answered one is listed for 30.\n",
		.fields = "requests[]{id direction who name owner organisation known compared path "
			  "file signature signer reason rights purpose until state at "
			  "answered_at answer} held_back",
		.options = BIT(EMR_OPT_REASON) | BIT(EMR_OPT_PURPOSE) | BIT(EMR_OPT_UNTIL) |
			   BIT(EMR_OPT_WRITE) | BIT(EMR_OPT_DEPOSIT) | BIT(EMR_OPT_EMERGENCY),
		.exits = exits_request},
	[EMR_VERB_APPROVE] = {.name = "approve",
		.operands = "ID",
		.operands_max = 1,
		.help = "Say yes to a request",
		.manual = "ID is that of emrfs request. Shares what was asked for as share does, "
			  "for as long as was asked or until T, and "
			  "asks\n"
			  "first; what is not in your folder under that name is not guessed. The "
			  "one who asked is told.\n",
		.fields = "grant{id path who name organisation rights purpose until history state "
			  "released_by[] needed opened}",
		.options = BIT(EMR_OPT_UNTIL),
		.exits = exits_approve},
	[EMR_VERB_DENY] = {.name = "deny",
		.operands = "ID",
		.operands_max = 1,
		.help = "Say no to a request",
		.manual = "ID is that of emrfs request. The one who asked is told, with the reason "
			  "if there is one; nobody else can read "
			  "it. A\n"
			  "request that you sent yourself is taken back.\n",
		.fields = "id",
		.options = BIT(EMR_OPT_REASON),
		.exits = exits_deny},
	[EMR_VERB_LOG] = {.name = "log",
		.operands = "[PATH]",
		.operands_max = 1,
		.help = "Who opened what, when and why; and what you did",
		.manual = "Newest last: what was saved, renamed, deleted, brought back or erased; "
			  "what you shared with whom, took back,\n"
			  "said to requests, and left in the Inbox of somebody else (your "
			  "receipt); and who asked for the keys of what, got them (proven: that "
			  "stands on the ledger before the key was released) and says he opened it "
			  "(reported, by his own computer). "
			  "With PATH,\n"
			  "the story of that file under all its names, or of everything in that "
			  "folder; a deleted file is named as it was. "
			  "--who, --purpose\n"
			  "and --software choose. What somebody did to many files of one folder "
			  "within a minute is one line, unless --all; JSON has each. --proof ENTRY "
			  "OUT writes the evidence of one release, by the number that stands "
			  "behind it: who asked "
			  "for what\n"
			  "and which organisations gave the key, for anybody to check (emrfs "
			  "verify --proof OUT). --staff is for an auditor. The same for the whole "
			  "folder: .emrfs/log and .emrfs/log.json.\n",
		.fields =
			"entries[]{at who name organisation team purpose action type path from "
			"version bytes whole software proven\n"
			"released_by[] tx opens folder records with{who name organisation kind "
			"born code} into rights until history goes_on} written; --proof: out bytes",
		.options = BIT(EMR_OPT_PROOF_OF) | BIT(EMR_OPT_ALL) | BIT(EMR_OPT_STAFF) |
			   BIT(EMR_OPT_SINCE) | BIT(EMR_OPT_WHO) | BIT(EMR_OPT_PURPOSE) |
			   BIT(EMR_OPT_SOFTWARE) | BIT(EMR_OPT_FHIR) | BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_log},
	[EMR_VERB_RESTORE] = {.name = "restore",
		.operands = "PATH[@TIME]",
		.operands_max = 1,
		.help = "Bring back an earlier version or a deleted file",
		.manual = "PATH@TIME is the file as it was then: PATH@2026-11-20 (the end of that "
			  "day), "
			  "PATH@2026-11-20T14:05,\n"
			  "PATH@2d (two days ago), or PATH@v2, a version of the list. What it is "
			  "now stays a "
			  "version. A deleted\n"
			  "file needs no TIME and comes back with its directories. To look before: "
			  "the "
			  "hidden folders\n"
			  ".emrfs/at/TIME and .emrfs/deleted hold the same files for reading.\n"
			  "A folder that was deleted comes back with everything that was in it, "
			  "empty folders, too; of "
			  "one that is there, restore takes the files.\n"
			  "Of a file below shared-with-me, where its owner shared the history with "
			  "it, --list shows the versions, and\n"
			  "PATH@v2 --to NAME makes a copy of one in your own folder: it is yours, "
			  "the signature stays with the original.\n",
		.fields = "versions[]{at who version bytes deleted signed_by current} restored "
			  "version "
			  "bytes files folders unchanged copied_from",
		.options = BIT(EMR_OPT_LIST) | BIT(EMR_OPT_TO),
		.exits = exits_restore},
	[EMR_VERB_MOVE] = {.name = "move",
		.operands = "SRC DEST",
		.operands_max = 2,
		.help = "Move to a folder others can see",
		.manual = "Renames SRC to DEST, or moves it into DEST when that is a directory; "
			  "nothing is ever replaced.\n"
			  "When somebody else would see it then, that is asked first (--yes: not "
			  "asked); gains and "
			  "loses name\n"
			  "them. As long as nothing is shared it is what mv does.\n",
		.fields = "path gains[] loses[]",
		.options = 0,
		.exits = exits_move},
	[EMR_VERB_ERASE] = {.name = "erase",
		.operands = "[PATH]",
		.operands_max = 1,
		.help = "Destroy the keys for good",
		.manual =
			"Destroys keys and data of every version of PATH, a file, or a directory "
			"with all that is or\n"
			"ever was deleted from it; with --deleted, of what was deleted from the "
			"whole folder; with\n"
			"--unreadable, of what others left in it and nobody can open. Nobody can\n"
			"bring it back, with no passphrase and no words. The ledger keeps random "
			"numbers and hashes. Copies that were made of PATH for datasets go with "
			"it.\n"
			"Asks first, and for the passphrase. Interrupted, it goes on when the "
			"folder is open again.\n"
			"Out of reach are backups until the next `emrfs backup` to the same "
			"place, copies that people\n"
			"have made, and bytes that a disk keeps for itself (worn flash cells, "
			"file system snapshots).\n",
		.fields = "erased live deleted directories copies finished not_reached[]{who why}",
		.options = BIT(EMR_OPT_DELETED) | BIT(EMR_OPT_UNREADABLE) | BIT(EMR_OPT_BEFORE) |
			   BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_erase},
	[EMR_VERB_KEEP] = {.name = "keep",
		.operands = "[PATH]",
		.operands_max = 1,
		.help = "Keep data on this computer; alone: list",
		.manual = "PATH, and all that is in it, is to be kept on this computer; --not "
			  "takes that back. It is the "
			  "attribute\n"
			  "user.emrfs.keep, and it is remembered. With one computer everything is "
			  "kept whatever it says: the "
			  "last\n"
			  "copy is never dropped. --purge gives the space of superseded and "
			  "removed data back now, not later.\n",
		.fields = "kept[]{path bytes complete keep} cache_bytes last_copy",
		.options = BIT(EMR_OPT_NOT) | BIT(EMR_OPT_PURGE),
		.exits = exits_keep},
	[EMR_VERB_COPIES] = {.name = "copies",
		.operands = "[PATH]",
		.operands_max = 1,
		.help = "Where the encrypted copies are",
		.manual =
			"Of the whole folder, or of PATH: how many files each place has in their "
			"newest version, this computer\n"
			"and the IPFS nodes of the settings. A place has a file when it said that "
			"it keeps every block of it; it is\n"
			"asked again once a day. Ends with 3 as long as a file has fewer copies "
			"than wanted. Sending happens by itself,\n"
			"as long as the folder is open.\n",
		.fields = "wanted files places[]{name state counts copies of stuck leaving sending "
			  "sending_of error "
			  "message "
			  "hint} short[] short_files",
		.options = BIT(EMR_OPT_REPAIR),
		.exits = exits_copies},
	[EMR_VERB_VERIFY] = {.name = "verify",
		.operands = "[PATH]",
		.operands_max = 1,
		.help = "Check that records and ledger are genuine and whole",
		.manual =
			"Reads every block, checks its hash, its authentication and the signed "
			"statement of each record,\n"
			"and replays the whole ledger. The open folder does it itself; a closed "
			"one is opened for it,\n"
			"which asks for the passphrase.\n"
			"What is missing on this disk, or went bad, is brought home from the IPFS "
			"node of the settings.\n"
			"Of one file it says who signed it, when, and in which entry and "
			"transaction. What others share is read as a program "
			"would,\n"
			"which its owner's log tells.\n"
			"Others number what they sign for a patient, over all folders: of the "
			"whole folder, and of all that one person shares\n"
			"(shared-with-me/OWNER), it says which of these numbers are not there. "
			"That is no fault of what is there.\n"
			"With --proof only FILE is read, a proof out of .emrfs/proof, and COPY, "
			"the file that it is about:\n"
			"signatures, certificate and place in the ledger, without keyring or "
			"folder. Anybody can do the same\n"
			"with another program: examples/verify-audit.\n",
		.fields = "checked bad[]{path error} chain{kind size root reached ordered mended "
			  "awaited "
			  "witnesses[]} "
			  "gaps[]{by "
			  "organisation key last missing numbers unread} signer time tx signed "
			  "brought_bytes backup{dir at};\n"
			  "with --proof also bytes version organisation network own_network "
			  "certificate copy, or access",
		.options = BIT(EMR_OPT_QUICK) | BIT(EMR_OPT_CHAIN) | BIT(EMR_OPT_PASSPHRASE_FILE) |
			   BIT(EMR_OPT_PROOF),
		.exits = exits_verify},
	[EMR_VERB_LEDGER] = {.name = "ledger",
		.operands = "[PATH]",
		.operands_max = 1,
		.help = "Show ledger entries",
		.manual = "Newest first. Names are not on the ledger: object is a random number.\n",
		.fields = "entries[]{index tx previous at op object version before after signer} "
			  "checkpoint reached",
		.options =
			BIT(EMR_OPT_LIMIT) | BIT(EMR_OPT_CHECKPOINT) | BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_ledger},
	[EMR_VERB_BACKUP] = {.name = "backup",
		.operands = "DIR",
		.operands_max = 1,
		.help = "Copy everything, encrypted, to another disk",
		.manual = "Copies what is new since the last time: encrypted data, ledger and "
			  "sealed keyfile, as of one moment.\n"
			  "The folder may be open, and no passphrase is needed. An interrupted "
			  "backup leaves the earlier one\n"
			  "whole and goes on the next time. Bring it back: emrfs init --restore "
			  "DIR.\n"
			  "What only your IPFS nodes have is brought first, while the folder is "
			  "open.\n",
		.fields = "brought_bytes records bytes new_bytes ledger_bytes complete_at own_copy "
			  "mended missing same_disk "
			  "checked bad[]{path error}",
		.options = BIT(EMR_OPT_VERIFY),
		.exits = exits_backup},
	[EMR_VERB_EXPORT] = {.name = "export",
		.operands = "PATH OUT",
		.operands_max = 2,
		.help = "Write records as CAR, or evidence for one file",
		.manual =
			"OUT is a CAR file that every IPFS tool can read: the encrypted blocks of "
			"the file, or of all files below\n"
			"the directory, as they are on the ledger, with the signed items that name "
			"them, below one root, which is\n"
			"said: a node that pins it keeps all of them. Only your keys open it.\n"
			"With --proof OUT is what .emrfs/proof/PATH.tlog-proof shows: evidence to "
			"give to others. OUT must not\n"
			"be there yet, and lies outside the folder.\n",
		.fields = "out records bytes root brought_bytes",
		.options = BIT(EMR_OPT_AS_PROOF),
		.exits = exits_export},
	[EMR_VERB_IMPORT] = {.name = "import",
		.operands = "FILE [DEST]",
		.operands_max = 2,
		.help = "Read records from a CAR",
		.manual =
			"FILE is what `emrfs export` has written, or any part of it that a tool of "
			"IPFS gave back. Records of your\n"
			"ledger come back as what they were: nothing new is made of them, data "
			"that is missing on this disk is\n"
			"taken from FILE, and what was deleted is there again in the version of "
			"FILE. Others become new files with\n"
			"their names, times and attributes. With DEST everything is copied into "
			"that directory of the folder, which\n"
			"is made when it is missing.\n"
			"Every block is checked, and every signature; what your keys do not open "
			"is left out, what others signed in\n"
			"your folder counts when your ledger has it, and nothing that is there is "
			"replaced. What was erased here\n"
			"since is named and asked about first: it would come back.\n",
		.fields = "records bytes there mended lacking left_out erased[] bad[]{path error}",
		.options = 0,
		.exits = exits_import},
	[EMR_VERB_PASSWD] = {.name = "passwd",
		.operands = "",
		.operands_max = 0,
		.help = "Change the passphrase",
		.manual = "Asks for the old and, twice, for the new passphrase and replaces the "
			  "keyfile in one step; the open\n"
			  "folder stays open. Without a terminal the old one comes from "
			  "--passphrase-file and the new one\n"
			  "from --new-passphrase-file, or both from the program in EMRFS_ASKPASS. "
			  "Copies of the keyfile made\n"
			  "before keep the old passphrase.\n",
		.fields = "",
		.options = BIT(EMR_OPT_PASSPHRASE_FILE) | BIT(EMR_OPT_NEW_PASSPHRASE_FILE),
		.exits = exits_passwd},
	[EMR_VERB_RECOVER] = {.name = "recover",
		.operands = "",
		.operands_max = 0,
		.help = "Get back in with your 24 words",
		.manual =
			"Asks for the words (or reads them from --words-file), compares them with "
			"the ledger here, and\n"
			"gives the keyring a new passphrase; the words stay the same, and the "
			"folder "
			"may be open.\n"
			"With --test nothing is changed: three of the words are asked (or all are "
			"read from\n"
			"--words-file), after the passphrase, and `status` says when that was.\n"
			"With --lost, when a computer, a disk or a backup got lost or was stolen: "
			"after the new passphrase your other\n"
			"computers are removed, new keys begin where others share your ledger, and "
			"what the lost one can still show\n"
			"is said. The folder must be closed.\n",
		.fields = "state words_tested_at; with --lost also removed[] ended[] epochs",
		.options = BIT(EMR_OPT_TEST) | BIT(EMR_OPT_LOST) | BIT(EMR_OPT_WORDS_FILE) |
			   BIT(EMR_OPT_PASSPHRASE_FILE) | BIT(EMR_OPT_NEW_PASSPHRASE_FILE),
		.exits = exits_recover},
	[EMR_VERB_DEVICE] = {.name = "device",
		.operands = "add NAME | accept FILE | remove NAME",
		.operands_max = 2,
		.help = "Your computers; remove a lost one",
		.manual = "Alone: your computers. add NAME -o FILE makes keys for another one, "
			  "registers them, and writes them to FILE, "
			  "sealed\n"
			  "with your passphrase; there: accept FILE. Both must reach one network "
			  "directory: a ledger of one computer is "
			  "moved\n"
			  "to DIR by --network DIR, with the folder closed. remove NAME ends what "
			  "a lost one may do; from then on it can "
			  "open\n"
			  "nothing new, and whom it gave a way in loses it. A key in the list that "
			  "is no computer of yours ends by remove\n"
			  "KEY. Each signs as itself; only the first computer adds and "
			  "removes. The folder may be open. On Fabric add\n"
			  "takes --join INVITE, an invitation of your organisation for another "
			  "computer (emrfs org invite HANDLE --role\n"
			  "device), and accept works on any computer that reaches a gateway.\n",
		.fields = "devices[]{name added_at seen_at this first} strangers[]{kind key "
			  "organisation}; add: name file network; accept: folder network; "
			  "remove: name ended[]{kind key organisation} handle authority",
		.options = BIT(EMR_OPT_NETWORK) | BIT(EMR_OPT_JOIN) | BIT(EMR_OPT_CARD_FILE) |
			   BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_device},
	[EMR_VERB_WALLET] = {.name = "wallet",
		.operands = "[send WHO POINTS]",
		.operands_max = 3,
		.help = "Points received and spent",
		.manual =
			"Points are made by the organisations together (org mint), pay for "
			"joining research datasets, and go from one\n"
			"account to another with send. Yours are those of your own key and of "
			"your folders' keys. What a folder was paid\n"
			"stands under that folder's own key, which nobody can tell is yours: when "
			"you send such points, whoever reads the\n"
			"ledger sees that the folder's owner knows WHO. The question before says "
			"so.\n"
			"Credit is counted, by anybody alike, from the ledger: for a patient, "
			"each person of another organisation who was\n"
			"given something to read, and each dataset joined; for an agent, each "
			"record whose key it helped to release; for a\n"
			"hospital, each record that it left with somebody. It cannot be sent or "
			"spent. The folder may be open; it asks for the\n"
			"passphrase.\n",
		.fields =
			"points credit entries[]{at amount why tx who dataset} thresholds[]{credit "
			"reached} accounts[]; --explain: also\n"
			"counted{patient agent hospital} ranking[]{who patient agent hospital}; "
			"send: sent who points",
		.options = BIT(EMR_OPT_EXPLAIN) | BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_wallet},
	[EMR_VERB_ORG] = {.name = "org",
		.operands = "create NAME | invite HANDLE | admit ORG | leave [ORG] | show | rules "
			    "[FILE | approve ID] | revoke HANDLE | vouch CARD | team NAME "
			    "[add|remove HANDLE] | mint WHO POINTS",
		.operands_max = 4,
		.help = "Run an organisation",
		.manual =
			"create NAME --network DIR makes a keyring for an organisation, as init "
			"does, and a network for it and its "
			"members\n"
			"in DIR, an empty directory of this computer that this user alone may "
			"enter. Where DIR has a network already, it "
			"asks to\n"
			"be admitted, says a number, and waits: with admit ORG the "
			"administrators of most members, who see the same "
			"number,\n"
			"let it in (on Fabric from a DIR of its own, with its file network and "
			"the founder's ledger/descriptor; ORG may be that number). "
			"leave asks to go, and the others approve with leave ORG. "
			"invite HANDLE --role R -o FILE writes an "
			"invitation\n"
			"to FILE, waits until somebody uses it (emrfs init --join FILE), gives "
			"him a certificate with that role, and "
			"takes FILE\n"
			"away; who has that handle already gets another certificate. HANDLE is "
			"the name in the certificate; a patient's "
			"has a\n"
			"code instead. revoke takes a key out of use for good. vouch says on a "
			"card that the organisation has seen its "
			"holder.\n"
			"rules shows the rules of the network (lines name = value); with FILE or "
			"--quorum it proposes others, which hold when\n"
			"enough members have said org rules approve ID. team shows, makes and "
			"changes a team. mint WHO POINTS\n"
			"proposes that WHO gets so many points, or approves it, when somebody "
			"else has proposed the same; they are made\n"
			"when enough members have said so. All but create ask for the "
			"passphrase, with the folder "
			"open or closed.\n"
			"Into a network on Fabric an invitation can be mailed: who has it joins "
			"from any computer, until --within is over.\n"
			"Ctrl-C withdraws it; after any other end the same invite line goes on.\n"
			"Where DIR/network names an authority (Fabric CA), create asks it for the "
			"administrator's certificate (--login,\n"
			"--secret-file), and invite tells it who comes, and waits for nobody; "
			"revoke tells it who goes, and is done on\n"
			"the ledger also when it cannot be told: then the same line tells it "
			"later.\n",
		.fields = "create: id name born folder words_checked second_copy network number; "
			  "invite: handle role code id "
			  "organisation;\n"
			  "admit, leave: organisation number msp have need done; show: "
			  "organisation "
			  "members[]{handle name role code until "
			  "in_force}\n"
			  "teams[]{name members[]} approvals[]{what who number have need} "
			  "waiting[] organisations[]{name member} rules; rules:\n"
			  "text read quorum need limits{slots_a_day deposit_bytes deposits_a_day} "
			  "proposals[]{id text quorum have need ours}, or\n"
			  "id have need done; revoke: "
			  "handle\n"
			  "code authority; vouch: file code; team: team members[]{handle name code "
			  "until}; "
			  "mint: who points have need done",
		.options = BIT(EMR_OPT_NETWORK) | BIT(EMR_OPT_ROLE) | BIT(EMR_OPT_QUORUM) |
			   BIT(EMR_OPT_WITHIN) | BIT(EMR_OPT_CARD_FILE) | BIT(EMR_OPT_WORDS_FILE) |
			   BIT(EMR_OPT_LOGIN) | BIT(EMR_OPT_SECRET_FILE) |
			   BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_org},
	[EMR_VERB_DATASET] = {.name = "dataset",
		.operands = "[NAME | create NAME | admit NAME WHO | drop NAME WHO | freeze NAME | "
			    "fund NAME N | close NAME | "
			    "join NAME PATH | leave NAME]",
		.operands_max = 3,
		.help = "Research collections: call, join, leave, read",
		.manual =
			"Alone it lists the datasets of the network; with NAME, or "
			"NAME@ORGANISATION, it says one's terms, how many take part, and who "
			"reads it:\n"
			"everybody is told of every reader, and nobody who takes part.\n"
			"join puts the folder PATH into it, itself, with what comes there later, "
			"for research and until the end that the terms "
			"name;\n"
			"it says what that means, and asks (--yes: not asked). leave takes out "
			"all that you put in: it is read no more, and "
			"what was\n"
			"worked out from it before stays. Where the terms say de-identified, join "
			"copies what it can of PATH into Research/NAME/ and gives these copies, "
			"and "
			"says what it withholds and why;\n"
			"what comes there later follows by itself, in the same way, while the "
			"folder is open (--once: it does not; join again\n"
			"gives what is new): new and changed files are copied, and what is "
			"removed from PATH takes its copy back, as an\n"
			"erased file does. Readers see datasets/NAME/PSEUDONYM/ in "
			"their folder, for reading only.\n"
			"The steward is the administrator of an organisation, who calls: create "
			"NAME --terms FILE, then admit and drop. Terms "
			"never change. "
			"freeze fixes the versions of today under an id, which mount --dataset "
			"NAME@ID shows. fund puts the steward's points by (emrfs wallet), for N "
			"folders that will join: each is paid\n"
			"the price once. close ends it for good, and brings back what nobody was "
			"paid. FILE is a JSON object: \"purpose\" and \"who\" (sentences), "
			"\"until\" (YYYY-MM-DD, the last day), \"data\" "
			"(\"identified\" "
			"or\n"
			"\"de-identified\"), and, if wanted, \"price\" and \"daily-limit\"; where "
			"de-identified also "
			"\"dates\" (\"moved\", \"removed\"), \"characteristics\" (true: sex, age, "
			"size and "
			"weight stay) and \"faces\" (\"withheld\", \"kept\": heads in thin slices, "
			"from "
			"which a face can be drawn), and \"columns\": of tables (CSV) those that "
			"stay, as {\"glucose\": \"number\", \"taken\": \"date\", \"unit\": "
			"\"code\", \"sex\": [\"F\", \"M\"]}; without it no table is given. "
			"While the folder is closed, and for the steward, it "
			"asks for the passphrase.\n",
		.fields =
			"datasets[]{name organisation called data dates characteristics faces "
			"columns{} "
			"purpose who until price daily_limit terms participants steward reader "
			"withheld "
			"readers[]{who name organisation code id since entry} "
			"former[]{who name organisation code id since entry until} joined[] "
			"follows[]{path copies waiting withheld}};\n"
			"join, de-identified: folder cleaned changed removed withheld[]{path why} "
			"added follows;\n"
			"leave: as revoke; freeze: snapshot root versions entries",
		.options = BIT(EMR_OPT_TERMS) | BIT(EMR_OPT_ONCE) | BIT(EMR_OPT_WAIT) |
			   BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_dataset},
	[EMR_VERB_AGENT] = {.name = "agent",
		.operands = "",
		.operands_max = 0,
		.help = "Run the service that releases keys",
		.manual = "An agent holds fragments of keys that owners have cut for it, and "
			  "converts with them what somebody who was given "
			  "access\n"
			  "asks for, as long as the grant lasts; alone it can read nothing. Its "
			  "keyring is made with an invitation of role\n"
			  "agent (emrfs org invite HANDLE --role agent -o FILE, then emrfs init "
			  "--join FILE), and keeps no records. It works "
			  "until\n"
			  "SIGTERM. Numbers of --status are since it was started. To start it with "
			  "the computer: the unit emrfs-agent.\n",
		.fields = "grants fragments served refused destroyed waiting[]{request} "
			  "witnessed_at key_made_at started_at entries in_force\n"
			  "error pid",
		.options = BIT(EMR_OPT_AGENT_STATUS) | BIT(EMR_OPT_FOREGROUND) |
			   BIT(EMR_OPT_PASSPHRASE_FILE),
		.exits = exits_agent},
	[EMR_VERB_CHECK] = {.name = "check",
		.operands = "",
		.operands_max = 0,
		.help = "Is this computer ready?",
		.manual = "Each line says how to mend what is not well; a line that begins with "
			  "look is for somebody to look at, and nothing has failed.  With "
			  "--network the "
			  "IPFS node of the settings is asked for its version, and its "
			  "configuration is held against what a node for health records must "
			  "be; nothing is changed there.\n",
		.fields = "checks[]{name ok warning message mend}",
		.options = BIT(EMR_OPT_NODE),
		.exits = exits_check},
	[EMR_VERB_HELP] = {.name = "help",
		.operands = "[VERB]",
		.operands_max = 1,
		.help = "Show this page, or the manual of a verb",
		.manual = "",
		.fields = "text",
		.options = BIT(EMR_OPT_ALL),
		.exits = exits_help},
};

const emr_verb_row *emr_verb_get(emr_verb verb)
{
	return &verbs[verb];
}

bool emr_verb_find(const char *name, emr_verb *out_verb)
{
	for (int i = 0; i < EMR_VERB_COUNT; i++) {
		if (strcmp(name, verbs[i].name) == 0 ||
			(verbs[i].alias != NULL && strcmp(name, verbs[i].alias) == 0)) {
			*out_verb = (emr_verb)i;
			return true;
		}
	}
	return false;
}

bool emr_verb_takes(emr_verb verb, emr_option option)
{
	return ((verbs[verb].options | COMMON) & BIT(option)) != 0;
}

bool emr_option_is_common(emr_option option)
{
	return (COMMON & BIT(option)) != 0;
}
