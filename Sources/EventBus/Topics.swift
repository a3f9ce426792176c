/// The topics of contract v1.
package enum Topics {
    package static let events = "stepstream.events.v1"
    package static let activity = "stepstream.activity.v1"
    package static let deadLetter = "stepstream.dead-letter.v1"
}
