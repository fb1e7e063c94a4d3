//! The schema registry of a scene, on the scene's cluster.

use anyhow::Context;
use serdes::{Compatibility, RegistryClient, Schema};

use crate::stage::Stage;

/// A registry that runs until it is dropped, and a client to ask it.
#[derive(Debug)]
pub(crate) struct SceneRegistry {
    client: RegistryClient,
    _registry: embedded_registry::Registry,
}

impl Stage {
    /// Starts a registry, and passes its URL to the program. Its topic is one of this scene.
    pub(crate) async fn registry(&mut self) -> anyhow::Result<SceneRegistry> {
        let topic = self.new_topic("SCHEMAS_TOPIC", "_schemas");
        let servers = self.cluster().bootstrap_servers();
        let registry = embedded_registry::Registry::builder(servers).topic(&topic).start().await;
        let registry = registry.context("starting the registry of the scene")?;
        let client = RegistryClient::builder(&registry.url()).build()?;
        self.set("SCHEMA_REGISTRY_URL", registry.url());
        Ok(SceneRegistry { client, _registry: registry })
    }
}

impl SceneRegistry {
    /// Returns a client, for deserializers.
    pub(crate) fn client(&self) -> &RegistryClient {
        &self.client
    }

    /// Registers versions under a subject, one after the other, without comparing them.
    pub(crate) async fn register(&self, subject: &str, schemas: &[Schema]) -> anyhow::Result<()> {
        self.client.set_compatibility(subject, Compatibility::None).await?;
        for schema in schemas {
            self.client.register(subject, schema).await?;
        }
        Ok(())
    }

    /// Returns the subjects, each with its versions.
    pub(crate) async fn versions(&self) -> anyhow::Result<Vec<(String, Vec<u32>)>> {
        let mut versions = Vec::new();
        for subject in self.client.subjects().await? {
            let of_subject = self.client.versions(&subject).await?;
            versions.push((subject, of_subject));
        }
        Ok(versions)
    }
}
