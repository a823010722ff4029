//! What a server calls its types, associations, data classes and items in its own language.
//!
//! Pure. GUIDs, tables and columns do not depend on the language: a localised server differs in display names only.
//! What is a technical name of the product, such as `AeX AC TCPIP`, is the same everywhere and not in the table.

use super::options::Language;

/// English, German, French, Japanese.
const TABLE: &[[&str; 4]] = &[
    // Resource types.
    ["Resource", "Ressource", "Ressource", "リソース"],
    ["Computer", "Computer", "Ordinateur", "コンピューター"],
    ["Site", "Standort", "Site", "サイト"],
    ["Subnet", "Subnetz", "Sous-réseau", "サブネット"],
    [
        "Site Service",
        "Standortdienst",
        "Service de site",
        "サイト サービス",
    ],
    [
        "Package Service",
        "Paketdienst",
        "Service de packages",
        "パッケージ サービス",
    ],
    [
        "Task Service",
        "Aufgabendienst",
        "Service de tâches",
        "タスク サービス",
    ],
    [
        "Network Boot Service",
        "Netzwerkstartdienst",
        "Service de démarrage réseau",
        "ネットワーク ブート サービス",
    ],
    [
        "Monitor Service",
        "Überwachungsdienst",
        "Service de surveillance",
        "監視サービス",
    ],
    [
        "Software Package",
        "Softwarepaket",
        "Package logiciel",
        "ソフトウェア パッケージ",
    ],
    ["Location", "Ort", "Emplacement", "場所"],
    ["User", "Benutzer", "Utilisateur", "ユーザー"],
    [
        "Virtual Machine",
        "Virtueller Computer",
        "Machine virtuelle",
        "仮想マシン",
    ],
    [
        "Subnet Group",
        "Subnetzgruppe",
        "Groupe de sous-réseaux",
        "サブネット グループ",
    ],
    [
        "Software Product",
        "Softwareprodukt",
        "Produit logiciel",
        "ソフトウェア製品",
    ],
    // Associations.
    [
        "Subnet to Site",
        "Subnetz zu Standort",
        "Sous-réseau vers site",
        "サブネットとサイトの関連",
    ],
    [
        "Site Server to Site",
        "Standortserver zu Standort",
        "Serveur de site vers site",
        "サイト サーバーとサイトの関連",
    ],
    [
        "Site Service to Computer",
        "Standortdienst zu Computer",
        "Service de site vers ordinateur",
        "サイト サービスとコンピューターの関連",
    ],
    [
        "Site to Location",
        "Standort zu Ort",
        "Site vers emplacement",
        "サイトと場所の関連",
    ],
    [
        "Computer to Primary User",
        "Computer zu Hauptbenutzer",
        "Ordinateur vers utilisateur principal",
        "コンピューターとプライマリ ユーザーの関連",
    ],
    // Data classes.
    [
        "Client Task Resources",
        "Clientaufgabenressourcen",
        "Ressources de tâches client",
        "クライアント タスク リソース",
    ],
    [
        "Site Membership",
        "Standortzugehörigkeit",
        "Appartenance au site",
        "サイト メンバーシップ",
    ],
    [
        "Basic Inventory",
        "Basisinventar",
        "Inventaire de base",
        "基本インベントリ",
    ],
    [
        "Agent Status",
        "Agentstatus",
        "État de l'agent",
        "エージェントの状態",
    ],
    [
        "Agent Details",
        "Agentdetails",
        "Détails de l'agent",
        "エージェントの詳細",
    ],
    [
        "Asset Status",
        "Anlagenstatus",
        "État de l'actif",
        "資産の状態",
    ],
    ["CMDB Asset", "CMDB-Anlage", "Actif CMDB", "CMDB 資産"],
    [
        "Lifecycle",
        "Lebenszyklus",
        "Cycle de vie",
        "ライフサイクル",
    ],
    ["Web Server", "Webserver", "Serveur Web", "Web サーバー"],
    [
        "Server Prerequisites",
        "Servervoraussetzungen",
        "Prérequis du serveur",
        "サーバーの前提条件",
    ],
    [
        "Windows Features",
        "Windows-Funktionen",
        "Fonctionnalités Windows",
        "Windows の機能",
    ],
    [
        "Agent Plug-in",
        "Agent-Plug-in",
        "Plug-in de l'agent",
        "エージェント プラグイン",
    ],
    [
        "Installed Agents",
        "Installierte Agents",
        "Agents installés",
        "インストール済みエージェント",
    ],
    [
        "Site Server State",
        "Standortserverstatus",
        "État du serveur de site",
        "サイト サーバーの状態",
    ],
    [
        "Site Server Availability",
        "Standortserververfügbarkeit",
        "Disponibilité du serveur de site",
        "サイト サーバーの可用性",
    ],
    [
        "Site Origin",
        "Standortherkunft",
        "Origine du site",
        "サイトの由来",
    ],
    [
        "Directory Import",
        "Verzeichnisimport",
        "Importation de l'annuaire",
        "ディレクトリのインポート",
    ],
    [
        "Package Delivery",
        "Paketauslieferung",
        "Livraison de packages",
        "パッケージ配信",
    ],
    [
        "Download History",
        "Downloadverlauf",
        "Historique des téléchargements",
        "ダウンロード履歴",
    ],
    [
        "Site Server Load",
        "Standortserverlast",
        "Charge du serveur de site",
        "サイト サーバーの負荷",
    ],
    [
        "Server Requests",
        "Serveranforderungen",
        "Requêtes du serveur",
        "サーバー要求",
    ],
    [
        "Site Service Usage",
        "Standortdienstnutzung",
        "Utilisation du service de site",
        "サイト サービスの使用状況",
    ],
    // Items.
    ["Reports", "Berichte", "Rapports", "レポート"],
    [
        "DS Global Settings",
        "Globale DS-Einstellungen",
        "Paramètres globaux DS",
        "DS グローバル設定",
    ],
    [
        "Site Server Settings",
        "Standortservereinstellungen",
        "Paramètres du serveur de site",
        "サイト サーバー設定",
    ],
    [
        "Targeted Site Settings",
        "Gezielte Standorteinstellungen",
        "Paramètres de site ciblés",
        "対象指定サイト設定",
    ],
    [
        "Core Settings",
        "Grundeinstellungen",
        "Paramètres principaux",
        "コア設定",
    ],
    // Actions of items.
    ["Open", "Öffnen", "Ouvrir", "開く"],
    ["Rename", "Umbenennen", "Renommer", "名前の変更"],
    ["Delete", "Löschen", "Supprimer", "削除"],
    ["Import", "Importieren", "Importer", "インポート"],
];

/// Says an English name in a language; what has no translation is a technical name and stays.
pub(crate) fn say(language: Language, english: &'static str) -> &'static str {
    let column = match language {
        Language::En => return english,
        Language::De => 1,
        Language::Fr => 2,
        Language::Ja => 3,
    };
    TABLE
        .iter()
        .find(|row| row[0] == english)
        .map_or(english, |row| row[column])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_language_tells_all_names_apart() {
        for column in 0..4 {
            let all: BTreeSet<&str> = TABLE.iter().map(|row| row[column]).collect();
            assert_eq!(all.len(), TABLE.len(), "column {column}");
        }
        for row in TABLE {
            assert_eq!(say(Language::En, row[0]), row[0]);
            assert_eq!(say(Language::Ja, row[0]), row[3]);
        }
        assert_eq!(say(Language::Fr, "AeX AC TCPIP"), "AeX AC TCPIP");
    }

    #[test]
    fn japanese_is_written_in_its_own_letters() {
        for row in TABLE {
            assert!(!row[3].is_ascii(), "{}", row[3]);
        }
    }
}
