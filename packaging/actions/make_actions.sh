#!/bin/sh
# make_actions.sh EMRFS_PAGES SHARE [TRANSLATIONS]: entries of menus below SHARE: those of the applications menu, and those of file managers for the
# verbs that this emrfs has.  TRANSLATIONS has a catalogue for each language that they are in beside English (po).
set -eu
pages=$1 share=$2 translations=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
verbs=$("$pages" verbs)
mkdir -p "$share/applications" "$share/nemo/actions" "$share/Thunar/sendto" "$share/emrfs/nautilus-scripts" "$share/file-manager/actions" \
	"$share/kio/servicemenus"

# entry DEED VERB LABEL COMMENT SELECTION ICON [MIME]: DEED is what `action` is told, VERB of emrfs what it needs; SELECTION is s (one file)
# or any (as Nemo says it).  MIME is the type of the files it is for (all).
entry() {
	verb=$1 needs=$2 label=$3 comment=$4 selection=$5 icon=$6 mime=${7:-}
	case "
$verbs
" in
	*"
$needs
"*) ;;
	*) return 0 ;;
	esac
	for_files='Extensions=any;'
	[ -z "$mime" ] || for_files="Mimetypes=$mime;"
	run="/usr/libexec/emrfs/action $verb"
	cat >"$share/nemo/actions/emrfs-$verb.nemo_action" <<END
[Nemo Action]
Name=$label
Comment=$comment
Exec=$run %F
Icon-Name=$icon
Selection=$selection
$for_files
UriScheme=file
END
	cat >"$share/Thunar/sendto/emrfs-$verb.desktop" <<END
[Desktop Entry]
Type=Application
Version=1.0
Name=Medical records: $label
Comment=$comment
Exec=$run %F
Icon=emrfs
NoDisplay=true
${mime:+MimeType=$mime;}
END
	cat >"$share/file-manager/actions/emrfs-$verb.desktop" <<END
[Desktop Entry]
Type=Action
Name=$label
Icon=$icon
Profiles=emrfs;

[X-Action-Profile emrfs]
MimeTypes=${mime:-all/all};
Exec=$run %F
END
	cat >"$share/kio/servicemenus/emrfs-$verb.desktop" <<END
[Desktop Entry]
Type=Service
X-KDE-ServiceTypes=KonqPopupMenu/Plugin
MimeType=${mime:-all/all};
Actions=$verb;
X-KDE-Submenu=Medical records

[Desktop Action $verb]
Name=$label
Icon=$icon
Exec=$run %F
END
	printf '#!/bin/sh\n# %s\nexec %s "$@"\n' "$comment" "$run" >"$share/emrfs/nautilus-scripts/$label"
	chmod 755 "$share/emrfs/nautilus-scripts/$label"
}
entry open status "Open without traces" "Open it with a viewer whose thumbnails and the like go when the folder is closed" notnone document-open
entry restore restore "Earlier versions" "Look at the versions of this record and bring one back" s document-open-recent
entry status status "Record properties" "What is safe, where, and who signed it" notnone document-properties
entry keep keep "Keep on this computer" "Keep this record here, also without network" notnone emblem-favorite
entry share share "Share ..." "Let somebody open this record, for a time" s document-send
entry unshare revoke "Stop sharing ..." "Take back what somebody may open" s edit-undo
entry erase erase "Erase for good ..." "Erase this, with its earlier versions; nobody can bring it back" s edit-delete
entry log log "Who opened it" "Who was given the keys of this record, and who opened it" notnone view-list
entry prepare emergency "Prepare for an emergency" "Choose whose doctors and nurses may open this folder in an emergency, and get a card to carry" notnone emblem-important inode/directory
entry guardian guardian "Add a guardian" "Choose somebody who looks after this folder for you, for a time" s contact-new inode/directory
entry card people "Take this card" "Take the card of a person, to share with that person" s contact-new application/x-emrfs-card
entry join join "Join with this invitation" "Join the network that this invitation is for" s list-add application/x-emrfs-invitation
cp "$here"/../desktop/*.desktop "$share/applications/"

# In each language that there is a catalogue of.
[ -n "$translations" ] || exit 0
catalogues=$(mktemp -d "${TMPDIR:-/tmp}/emrfs-languages-XXXXXX")
trap 'rm -r "$catalogues"' EXIT
cp "$translations"/*.po "$catalogues/"
(cd "$catalogues" && ls *.po | sed 's/\.po$//' >LINGUAS)
find "$share/applications" "$share/nemo" "$share/Thunar" "$share/file-manager" "$share/kio" -type f | while read -r file; do
	msgfmt --desktop -d "$catalogues" --template="$file" --output-file="$catalogues/made" \
		--keyword= --keyword=Name --keyword=GenericName --keyword=Comment --keyword=Keywords --keyword=X-KDE-Submenu
	cp "$catalogues/made" "$file"
done

# These desktops show an entry without its actions, so that each action is an entry of its own there, named after both.
awk -v into="$share/applications/emrfs-" '
	/^\[Desktop Action / {
		file = into substr($3, 1, length($3) - 1) ".desktop"
		print "[Desktop Entry]\nType=Application\nIcon=emrfs\nTerminal=false\nCategories=Utility;Archiving;\nOnlyShowIn=LXDE;LXQt;MATE;" >file
	}
	/^Name/ { key = substr($0, 1, index($0, "=") - 1); said = substr($0, length(key) + 2); if (!file) of[key] = said }
	/^Name/ && file { print key "=" (key in of ? of[key] : of["Name"]) ": " said >file }
	/^Exec=/ && file { print >file }' "$share/applications/emrfs.desktop"
