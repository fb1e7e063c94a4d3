//! The description of a group in DescribeGroups and ListGroups.

use bytes::Bytes;

use super::state_machine::{Group, State};

/// A group with all of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) state: &'static str,
    pub(crate) protocol_type: String,
    /// The assignor, once the group is stable.
    pub(crate) protocol: String,
    pub(crate) members: Vec<DescribedMember>,
    /// The reason why the group is unknown, in Kafka's words.
    pub(crate) unknown_because: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DescribedMember {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    /// Empty unless the group is stable.
    pub(crate) metadata: Bytes,
    pub(crate) assignment: Bytes,
}

/// A group in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) group: String,
    pub(crate) protocol_type: String,
    pub(crate) state: &'static str,
    /// Tells whether it is a group of the consumer protocol.
    pub(crate) is_consumer_group: bool,
}

impl Described {
    /// Returns Kafka's response for a group that it does not know.
    pub(crate) fn unknown(because: String) -> Self {
        Self {
            state: State::Dead.name(),
            protocol_type: String::new(),
            protocol: String::new(),
            members: Vec::new(),
            unknown_because: Some(because),
        }
    }
}

impl Group {
    /// Returns Kafka's error for a group of the consumer protocol, which has another request.
    pub(crate) fn describe(&self) -> Described {
        if self.consumer.is_some() {
            return Described::unknown(format!("Group {} is not a classic group.", self.id));
        }
        let is_stable = self.state == State::Stable;
        let protocol = self.protocol_name.as_deref().filter(|_| is_stable);
        let members = self.members.values().map(|member| DescribedMember {
            member_id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: member.metadata(protocol),
            assignment: member.assignment.clone(),
        });
        Described {
            state: self.state.name(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol: protocol.unwrap_or_default().to_owned(),
            members: members.collect(),
            unknown_because: None,
        }
    }

    pub(crate) fn list(&self) -> Listed {
        if let Some(consumer) = self.consumer.as_ref().filter(|_| self.state != State::Dead) {
            return Listed {
                group: self.id.clone(),
                protocol_type: "consumer".into(),
                state: consumer.state_name(),
                is_consumer_group: true,
            };
        }
        Listed {
            group: self.id.clone(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            state: self.state.name(),
            is_consumer_group: false,
        }
    }
}
