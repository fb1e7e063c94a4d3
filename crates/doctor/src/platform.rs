//! How to install something on this system.

use crate::command::find;

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    Apt,
    Dnf,
    Brew,
    Winget,
    Other,
}

/// The packages of one tool under each package manager.
pub(crate) struct Packages {
    pub(crate) apt: &'static str,
    pub(crate) dnf: &'static str,
    /// A whole command, since the compilers come from Xcode.
    pub(crate) brew: &'static str,
    pub(crate) winget: &'static str,
    /// What to look for with any other package manager.
    pub(crate) other: &'static str,
}

pub(crate) const COMPILERS: Packages = Packages {
    apt: "build-essential",
    dnf: "gcc gcc-c++ make",
    brew: "xcode-select --install",
    winget: "Microsoft.VisualStudio.2022.BuildTools --override \"--passive --wait \
             --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended\"",
    other: "gcc, g++ and make",
};

pub(crate) const BASH: Packages = Packages {
    apt: "bash",
    dnf: "bash",
    brew: "brew install bash",
    winget: "Git.Git",
    other: "bash",
};

pub(crate) const CMAKE: Packages = Packages {
    apt: "cmake",
    dnf: "cmake",
    brew: "brew install cmake",
    winget: "Kitware.CMake",
    other: "cmake",
};

pub(crate) const JAVA: Packages = Packages {
    apt: "openjdk-17-jre-headless",
    dnf: "java-21-openjdk-headless",
    brew: "brew install openjdk@21",
    winget: "EclipseAdoptium.Temurin.21.JDK",
    other: "a Java runtime, version 17 or newer",
};

pub(crate) const MAVEN: Packages = Packages {
    apt: "maven",
    dnf: "maven",
    brew: "brew install maven",
    winget: "",
    other: "Maven (https://maven.apache.org/download.cgi)",
};

pub(crate) const PYTHON: Packages = Packages {
    apt: "python3 python3-venv",
    dnf: "python3",
    brew: "brew install python",
    winget: "Python.Python.3.13",
    other: "Python 3.10 or newer",
};

pub(crate) const DOCKER: Packages = Packages {
    apt: "docker.io",
    dnf: "moby-engine",
    brew: "brew install --cask docker",
    winget: "Docker.DockerDesktop",
    other: "Docker, or Podman with its Docker socket",
};

impl Platform {
    pub(crate) fn of_this_machine() -> Self {
        if cfg!(windows) {
            Platform::Winget
        } else if cfg!(target_os = "macos") {
            Platform::Brew
        } else if find("apt-get").is_some() {
            Platform::Apt
        } else if find("dnf").is_some() {
            Platform::Dnf
        } else {
            Platform::Other
        }
    }

    /// Returns the command that installs these packages, or what to look for.
    pub(crate) fn install(self, packages: &Packages) -> String {
        match self {
            Platform::Apt => format!("sudo apt-get install {}", packages.apt),
            Platform::Dnf => format!("sudo dnf install {}", packages.dnf),
            Platform::Brew => packages.brew.to_owned(),
            Platform::Winget if !packages.winget.is_empty() => {
                format!("winget install {}", packages.winget)
            }
            Platform::Winget | Platform::Other => format!("install {}", packages.other),
        }
    }
}
